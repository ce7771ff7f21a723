# The same cluster by kind, for machines that have Docker: only the nodes are kind's, the S3 server is
# the same process as elsewhere. Kept thin, and NOT RUN with a real kind so far.
# shellcheck shell=bash

kind_up() {
  [ "$(uname -s)" = Linux ] || fail "this needs Linux"
  local program address
  for program in docker kind curl; do
    command -v "$program" >/dev/null || fail "CLUSTER=kind needs $program: please install it"
  done
  lock
  tools client
  if [ -d "$STATE" ] && [ ! -e "$STATE/kind" ]; then fail "there is a cluster without kind: make cluster-down"; fi
  mkdir -p "$STATE"
  touch "$STATE/kind"
  kind get clusters 2>/dev/null | grep -qx tessera || step "kind cluster" kind_create
  address=$(kind_gateway)
  alive versitygw || step "S3 server" start_s3 "$address"
  say "The cluster is up, S3 at $(<"$STATE/s3/endpoint"). For a shell: eval \"\$(make -s env)\""
}

kind_create() {
  local index roles="- role: control-plane"
  for ((index = 1; index <= NODES; index++)); do roles+=$'\n- role: worker'; done
  kind create cluster --name tessera --kubeconfig "$STATE/kubeconfig" --wait 120s --config - <<YAML
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
$roles
YAML
}

# The address of this machine in the network of kind's nodes.
kind_gateway() {
  docker network inspect kind --format '{{range .IPAM.Config}}{{.Gateway}}{{"\n"}}{{end}}' | grep -m 1 -F .
}

kind_down() {
  kind delete cluster --name tessera --kubeconfig "$STATE/kubeconfig"
}
