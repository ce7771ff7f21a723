#!/usr/bin/env bash
# The verbs of the local cluster: up, down, kill NODE, start NODE, remove NODE, env, page, enter NODE COMMAND...
# It may not touch what it did not make: processes are known by record, all else by name.
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=image.sh
. "$DEV/image.sh"
# shellcheck source=tools.sh
. "$DEV/tools.sh"
for part in process network certificates cgroups control node kind; do
  # shellcheck source=/dev/null
  . "$DEV/cluster/$part.sh"
done

NODES=${NODES:-3}

by_kind() { [ "${CLUSTER:-}" = kind ] || [ -e "$STATE/kind" ]; }

up() {
  need_root
  check_places
  is_node "n$NODES" || fail "NODES is a number from 1 to $MAXIMUM_NODES"
  lock
  tools cluster
  if ! control_alive; then
    remove_dead_cluster
    say "Cluster:"
    check_ports
    step "certificates" make_certificates
    step "network" make_bridge
    step "etcd, API server, controllers, scheduler, DNS, S3" start_control_plane
  fi
  start_missing_nodes
  say "The cluster is up: $(kubectl get nodes --no-headers | grep -cw Ready) nodes Ready, S3 at $(<"$STATE/s3/endpoint")." \
    "For a shell: eval \"\$(make -s env)\""
}

# Nodes have folders of their own in place of these.
check_places() {
  case $CACHE/:$STATE/ in
    *:/run/* | /run/* | *:/var/lib/* | /var/lib/* | *:/var/log/* | /var/log/*)
      fail "TESSERA_CACHE and TESSERA_STATE may not lie in /run, /var/lib or /var/log" ;;
  esac
}

check_ports() {
  local used
  used=$(ss -Hltnp "( sport = :6443 or sport = :${ETCD##*:} or sport = :$S3_PORT or sport = :10257 or sport = :10259 )")
  [ -z "$used" ] || fail "ports of the cluster are in use: $used"
}

# One command at a time; the kernel lets go of the lock when this process ends.
lock() {
  mkdir -p "$CACHE"
  exec 9>"$CACHE/lock"
  until flock --timeout 15 9; do say "Waiting for another command on the cluster to end."; done
}

start_missing_nodes() {
  local index missing=()
  for ((index = 1; index <= NODES; index++)); do
    alive "n$index" || missing+=("n$index")
  done
  ((${#missing[@]} == 0)) || step "nodes ${missing[*]}" start_nodes "${missing[@]}"
}

start_nodes() {
  local node
  write_pause_image
  for node; do start_node "$node"; done
  for node; do wait_for_node "$node"; done
}

write_pause_image() {
  local folder archive=$IMAGES/pause-$KUBERNETES.tar
  [ ! -e "$archive" ] || return 0
  mkdir -p "$IMAGES"
  folder=$(mktemp -d "$IMAGES/pause.XXXXXX")
  install -D "$BIN/pause" "$folder/root/pause"
  layer "$folder/root" "$folder/pause.layer"
  image "$archive" "localhost/pause:$KUBERNETES" 65535:65535 /pause "$folder/pause.layer"
  rm -r "$folder"
}

recorded_nodes() { [ ! -d "$STATE/nodes" ] || find "$STATE/nodes" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -V; }

remove_dead_cluster() {
  local found
  found=$(find_remains)
  [ -n "$found" ] || return 0
  if [ ! -d "$STATE" ] && [ -n "$(node_processes)" ]; then
    fail "nodes of another cluster run on this machine ($found); make cluster-down ends them"
  fi
  say "Clearing what a dead cluster left: $found"
  remove_all
}

find_remains() {
  local found=()
  [ ! -d "$STATE" ] || found+=("$STATE")
  # shellcheck disable=SC2207 # words without spaces
  found+=($({ node_cgroups | xargs -r -n 1 basename; attached_nodes | sed s/^/tessera-/; } | sort -u))
  if ip link show "$BRIDGE" >/dev/null 2>&1; then found+=("$BRIDGE"); fi
  echo "${found[*]}"
}

remove_all() {
  local node
  if [ -e "$STATE/kind" ]; then kind_down; fi
  # shellcheck disable=SC2046,SC2086 # lists of words
  stop $(recorded_nodes) $CONTROL
  for node in $(recorded_nodes; attached_nodes); do detach "$node"; done
  remove_cgroups
  if unified; then leave_room; fi
  remove_bridge
  rm -rf "$STATE"
}

down() {
  if [ -z "$(find_remains)" ]; then
    say "There is no cluster."
    return
  fi
  by_kind || need_root
  lock
  remove_all
  say "The cluster is gone; what was built for it stays in $CACHE."
}

is_node() { [[ $1 =~ ^n[1-9][0-9]?$ && ${1#n} -le $MAXIMUM_NODES ]]; }

# check_node NODE
check_node() {
  if by_kind; then fail "the nodes are kind's here: docker kill, or docker start, tessera-worker, tessera-worker2, ..."; fi
  need_root
  is_node "$1" || fail "NODE is one of n1 to n$MAXIMUM_NODES, as in NODE=n3"
  lock
  control_alive || fail "there is no cluster: make cluster"
}

kill_node() {
  check_node "$1"
  alive "$1" || fail "node $1 does not run; these do: $(running_nodes)"
  stop_node "$1"
  say "Node $1 is gone, as by a power cut; the cluster sees it after 16 to 20 s. Back: make cluster-node-start NODE=$1"
}

start_one_node() {
  check_node "$1"
  if alive "$1"; then say "Node $1 runs already."; else step "node $1" start_nodes "$1"; fi
}

# For good, with its disk, as a machine that is given back: a node of this name is a new one.
remove_node() {
  check_node "$1"
  stop_node "$1"
  rm -rf "$(node_folder "$1")" "$PKI/$1".{key,crt,kubeconfig}
  kubectl delete node "$1" --ignore-not-found --timeout 30s
  say "Node $1 is removed; make cluster-node-start NODE=$1 makes a new one."
}

running_nodes() {
  local node
  for node in $(recorded_nodes); do if alive "$node"; then echo "$node"; fi; done | xargs
}

# enter NODE [COMMAND...]: a command, or a shell, inside a node, whose first process is the child of unshare.
enter() {
  local node=$1 parent child
  shift
  alive "$node" || fail "node $node does not run; these do: $(running_nodes)"
  parent=$(process_id "$node")
  child=$(<"/proc/$parent/task/$parent/children")
  (($#)) || set -- bash
  PATH=$CACHE/debian/usr/bin:$BIN:$PATH exec nsenter --target "${child%% *}" --mount --net --pid --uts --ipc --cgroup -- "$@"
}

environment() {
  [ -e "$STATE/kubeconfig" ] || fail "there is no cluster: make cluster"
  local name
  PATH=$BIN:$TARGET/release:$PATH KUBECONFIG=$STATE/kubeconfig AWS_ENDPOINT_URL=$(<"$STATE/s3/endpoint")
  for name in PATH KUBECONFIG AWS_ENDPOINT_URL AWS_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY; do
    printf 'export %s=%q\n' "$name" "${!name}"
  done
}

# The address of the page: its pod's, since Services are reached from pods only, and pods from this machine too.
page() {
  [ -e "$STATE/kubeconfig" ] || fail "there is no cluster: make cluster"
  if by_kind; then
    echo "http://127.0.0.1:8080 while this runs: kubectl port-forward --namespace default service/tessera-frontend 8080:80"
    return
  fi
  local address
  address=$(kubectl get pods --namespace default --selector app.kubernetes.io/component=frontend --field-selector status.phase=Running \
    -o jsonpath='{.items[0].status.podIP}' 2>/dev/null) || true
  [ -n "$address" ] || fail "there is no page: make install"
  echo "http://$address:8080"
}

case ${1:-} in
  up) if by_kind; then kind_up; else up; fi ;;
  down) down ;;
  kill) kill_node "${2:-}" ;;
  start) start_one_node "${2:-}" ;;
  remove) remove_node "${2:-}" ;;
  nodes) running_nodes ;;
  env) environment ;;
  page) page ;;
  enter) enter "${@:2}" ;;
  *) fail "usage: cluster.sh up | down | kill NODE | start NODE | remove NODE | nodes | env | page | enter NODE [COMMAND...]" ;;
esac
