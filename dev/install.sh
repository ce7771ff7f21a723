#!/usr/bin/env bash
# Installs the Helm chart on the running cluster with the images of `make images` and its S3 server; its arguments
# go to Helm. It builds nothing, and may be repeated.
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

RELEASE=tessera
NAMESPACE=tessera-system
PATIENCE=${PATIENCE:-120} # seconds

eval "$("$DEV/cluster.sh" env)"
[ -e "$IMAGES/images.env" ] || fail "there are no images: make images"
# shellcheck source=/dev/null
. "$IMAGES/images.env"

# What is known of this cluster only. A file, since the arguments of a process can be seen by all.
values() {
  cat <<YAML
operator: {image: "$OPERATOR_IMAGE"}
worker: {image: "$WORKER_IMAGE"}
frontend: {image: "$FRONTEND_IMAGE"}
defaultPool:
  store:
    endpoint: "$AWS_ENDPOINT_URL"
    region: "$AWS_REGION"
    accessKeyId: "$AWS_ACCESS_KEY_ID"
    secretAccessKey: "$AWS_SECRET_ACCESS_KEY"
YAML
}

install_chart() {
  local chart=$ROOT/charts/tessera
  { helm upgrade --install "$RELEASE" "$chart" --namespace "$NAMESPACE" --create-namespace --wait --timeout "${PATIENCE}s" \
    --values "$chart/values-kind.yaml" --values <(values) "$@" && pools_ready; } || explain
}

# Helm takes a pool that nobody has looked at yet for ready.
pools_ready() {
  kubectl get workerpools --namespace default --output name |
    xargs --no-run-if-empty kubectl wait --namespace default --for=condition=Ready "--timeout=${PATIENCE}s"
}

# Why it does not come up, in a few lines. It fails, as what it explains did.
explain() {
  local pods="--namespace $NAMESPACE --selector app.kubernetes.io/component=operator"
  local page="--namespace default --selector app.kubernetes.io/component=frontend"
  # shellcheck disable=SC2086 # a list of words
  {
    kubectl get pods $pods -o wide
    kubectl logs $pods --tail 4 --all-containers
    kubectl get pods $page -o wide
    kubectl logs $page --tail 4 --all-containers
    kubectl get workerpools -A -o jsonpath='{range .items[*]}WorkerPool {.metadata.name}: {.status.conditions[*].message}{"\n"}{end}'
    kubectl get events --namespace "$NAMESPACE" --field-selector type=Warning --sort-by .lastTimestamp \
      -o custom-columns=WARNING:.reason,OBJECT:.involvedObject.name,MESSAGE:.message | tail -n 3
  } || true
  trap - ERR
  return 1
}

step "chart" watched "helm upgrade --install $RELEASE" install_chart "$@"
kubectl get deployments --namespace "$NAMESPACE"
kubectl get deployments --namespace default --selector app.kubernetes.io/component=frontend
kubectl get workerpools --all-namespaces
