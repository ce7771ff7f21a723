# A node: containerd, kubelet and kube-proxy in network, mount, process, host name, IPC and cgroup
# namespaces of their own. This is the part outside; inside.sh is what runs within.
# shellcheck shell=bash

node_folder() { echo "$STATE/nodes/$1"; }

# start_node NODE: a new one, or one that was killed; it comes back with its disk, like a machine.
start_node() {
  local folder
  folder=$(node_folder "$1")
  mkdir -p "$folder"
  remove_node_traces "$1"
  [ -e "$PKI/$1.kubeconfig" ] ||
    user "$1" "/O=system:nodes/CN=system:node:$1" "subjectAltName=DNS:$1,IP:$(node_address "$1")"
  write_containerd_config "$folder"
  write_network_config "$folder" "$1"
  write_kubelet_config "$folder" "$1"
  launch_node "$1"
}

launch_node() {
  local environment=(BIN="$BIN" IMAGES="$IMAGES" DEBIAN="$CACHE/debian" FOLDER="$(node_folder "$1")"
    NODE="$1" ADDRESS="$(node_address "$1")" PODS="$PODS" KUBELET="$PKI/$1.kubeconfig" KUBE_PROXY="$PKI/kube-proxy.kubeconfig"
    UNIFIED="$(unified && echo yes)" HIERARCHIES="$(hierarchies | cut -d ' ' -f 1 | xargs)")
  ( # a shell of its own, so that this one stays out of the node's cgroups
    join_cgroups "$1" "$BASHPID"
    start "$1" env "${environment[@]}" unshare --net --mount --uts --ipc --pid --cgroup --fork --kill-child \
      "$DEV/cluster/inside.sh"
  )
  wait_for 10 "the namespaces of $1" in_own_network "$1"
  delegate_cgroup "$1"
  attach "$1" "$(process_id "$1")"
}

in_own_network() { [ "$(readlink "/proc/$(process_id "$1")/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }

# stop_node NODE: as a power cut.
stop_node() {
  stop "$1"
  remove_node_traces "$1"
}

# What a killed node left outside its namespaces.
remove_node_traces() {
  remove_cgroups "$1"
  detach "$1"
}

wait_for_node() {
  wait_for 90 "node $1 to be Ready (see $STATE/log/$1.log and $(node_folder "$1")/kubelet.log)" node_is_ready "$1"
}

# Both, since the API server calls a node Ready for a while after its end.
node_is_ready() {
  alive "$1" || return "$NEVER"
  nsenter --target "$(process_id "$1")" --net -- curl -fsS http://127.0.0.1:10248/healthz &&
    kubectl wait --for condition=Ready "node/$1" --timeout 1s
}

write_containerd_config() {
  cat >"$1/containerd.toml" <<TOML
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:$KUBERNETES"
  restrict_oom_score_adj = true # root may lack CAP_SYS_RESOURCE
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$CACHE/debian/usr/lib/cni"
    conf_dir = "$1/cni"
TOML
}

# Routed and not bridged: a Service then works between two pods of a node with any kernel.
write_network_config() {
  mkdir -p "$1/cni"
  cat >"$1/cni/10-pods.conflist" <<JSON
{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {"type": "ptp", "ipMasq": false, "ipam": {"type": "host-local", "dataDir": "/run/cni",
    "ranges": [[{"subnet": "$(node_pods "$2")"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
JSON
}

write_kubelet_config() {
  : >"$1/resolv.conf"
  cat >"$1/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
failSwapOn: false
tlsCertFile: $PKI/$2.crt
tlsPrivateKeyFile: $PKI/$2.key
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $PKI/ca.crt}}
authorization: {mode: Webhook}
clusterDNS: [$DNS_ADDRESS]
clusterDomain: cluster.local
resolvConf: $1/resolv.conf
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
volumePluginDir: /var/lib/kubelet/plugins/volumes
nodeStatusUpdateFrequency: 2s
nodeLeaseDurationSeconds: 10
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
YAML
}
