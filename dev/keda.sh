#!/usr/bin/env bash
# Checks the chart's ScaledObject (autoscaling.mode=keda) against the schema of a released KEDA: the running cluster's API
# server judges it, strictly. KEDA's definition is removed again, unless it was there.
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

DEFINITION=scaledobjects.keda.sh

# The file of KEDA's definition, from its released module.
definition() {
  local folder
  folder=$(cd "$DEV/kubernetes" && GOWORK=off GOFLAGS=-mod=mod go mod download -json "github.com/kedacore/keda/v2@$KEDA" |
    sed -n 's/^\t"Dir": "\(.*\)",\{0,1\}$/\1/p')
  echo "$folder/config/crd/bases/keda.sh_scaledobjects.yaml"
}

scaled_object() {
  local chart=$ROOT/charts/tessera
  helm template tessera "$chart" --namespace tessera-system --values "$chart/values-kind.yaml" \
    --set autoscaling.mode=keda --set operator.image=operator:1 --set worker.image=worker:1 --set frontend.enabled=false \
    --set defaultPool.store.endpoint=http://store:9000 --show-only templates/autoscaler.yaml
}

judge() { kubectl apply --server-side --dry-run=server --validate=strict --filename - >/dev/null; }

check() {
  scaled_object | judge || return
  # And it does judge.
  if scaled_object | sed 's/pollingInterval/pollInterval/' | judge 2>/dev/null; then
    echo "a misspelled field of a ScaledObject was accepted"
    return 1
  fi
}

eval "$("$DEV/cluster.sh" env)"
if ! kubectl get crd "$DEFINITION" >/dev/null 2>&1; then
  trap 'kubectl delete crd "$DEFINITION" --wait=false >/dev/null' EXIT
  kubectl create --filename "$(definition)" >/dev/null
  kubectl wait --for=condition=Established "crd/$DEFINITION" --timeout=20s >/dev/null
fi
check
echo "the ScaledObject is one of KEDA $KEDA"
