# The cluster's network: one bridge in the machine's own network namespace, and for each node a link
# into the node's namespace and a route to its pods. Everything has a name or address of its own;
# forwarding stays as it is (nodes reach each other's pods by the bridge, not through the machine).
# shellcheck shell=bash

BRIDGE=tessera0
PREFIX=10.200.0
HOST_ADDRESS=$PREFIX.1 # the API server, S3 and DNS listen here
PODS=10.244.0.0/16
SERVICES=10.96.0.0/16
DNS_ADDRESS=${SERVICES%.0/*}.10
MAXIMUM_NODES=40

link_name() { echo "tessera-$1"; }
node_address() { echo "$PREFIX.$((100 + ${1#n}))"; }
node_pods() { echo "${PODS%.0.0/*}.${1#n}.0/24"; }

make_bridge() {
  local other
  other=$(ip -4 -o address | grep -E " (inet )($PREFIX|${PODS%.0.0/*}|${SERVICES%.0.0/*})\." || true)
  [ -z "$other" ] || fail "this machine already uses an address of the cluster's ($PREFIX.0/24, $PODS, $SERVICES): $other"
  # A fixed address: else it changes as nodes join, and those before them lose the way for half a minute.
  ip link add "$BRIDGE" address 02:00:0a:c8:00:01 type bridge
  ip address add "$HOST_ADDRESS/24" dev "$BRIDGE"
  ip link set "$BRIDGE" up
  if drops_forwarded; then iptables -I FORWARD "${BRIDGE_RULE[@]}"; fi
}

# Where Docker has iptables look at bridges and drop what it does not know, nodes need this rule.
BRIDGE_RULE=(-i "$BRIDGE" -o "$BRIDGE" -m comment --comment tessera -j ACCEPT)
drops_forwarded() { iptables -S FORWARD 2>/dev/null | grep -qx -- '-P FORWARD DROP'; }

remove_bridge() {
  if drops_forwarded; then iptables -D FORWARD "${BRIDGE_RULE[@]}" 2>/dev/null || true; fi
  ip link delete "$BRIDGE" 2>/dev/null || true
}

# attach NODE PID: gives the network namespace of PID its link, address and routes.
attach() {
  local link address hardware
  link=$(link_name "$1") address=$(node_address "$1")
  printf -v hardware 02:00:0a:c8:00:%02x "${address##*.}" # the same after a restart, as others remember it
  ip link add "$link" type veth peer name eth0 address "$hardware" netns "$2"
  ip link set "$link" master "$BRIDGE" up
  nsenter --target "$2" --net -- ip -batch - <<COMMANDS
link set lo up
address add $address/24 dev eth0
link set eth0 up
route add default via $HOST_ADDRESS
$(routes_to_others "$1")
COMMANDS
  ip route replace "$(node_pods "$1")" via "$address"
}

# To every node there may ever be, so that a node that joins later needs no change here.
routes_to_others() {
  local index
  for ((index = 1; index <= MAXIMUM_NODES; index++)); do
    [ "n$index" = "$1" ] || echo "route add $(node_pods "n$index") via $(node_address "n$index")"
  done
}

# The route goes first: without its link it would still name the bridge.
detach() {
  ip route delete "$(node_pods "$1")" via "$(node_address "$1")" 2>/dev/null || true
  ip link delete "$(link_name "$1")" 2>/dev/null || true
}

# Nodes by the links that are there, whatever the records say.
attached_nodes() { ip -o link show type veth | sed -n 's/^[0-9]*: tessera-\(n[0-9]*\)@.*/\1/p'; }
