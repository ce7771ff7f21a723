#!/usr/bin/env bash
# A node's first process, already in namespaces of its own: mounts, then containerd, kubelet and kube-proxy.
# When one of them ends, the node ends. It may not change anything that is visible outside the node.
set -euo pipefail

# Every host has these folders; under them lies all that the node writes.
mount_own_folders() {
  local folder
  mount --no-mtab -t tmpfs -o mode=755 run /run # first, since mount keeps notes in it
  mount -t proc proc /proc
  for folder in /var/lib /var/log; do
    mkdir -p "$FOLDER$folder"
    mount --bind "$FOLDER$folder" "$folder"
  done
}

mount_cgroups() {
  umount -R /sys
  mount -t sysfs sysfs /sys
  if [ -n "$UNIFIED" ]; then mount -t cgroup2 cgroup2 /sys/fs/cgroup; else mount_hierarchies; fi
}

mount_hierarchies() {
  local folder name
  mount -t tmpfs -o mode=755 cgroups /sys/fs/cgroup
  for folder in $HIERARCHIES; do
    mkdir "/sys/fs/cgroup/$folder"
    mount -t cgroup -o "${folder/#systemd/none,name=systemd}" cgroup "/sys/fs/cgroup/$folder"
    for name in ${folder//,/ }; do [ -e "/sys/fs/cgroup/$name" ] || ln -s "$folder" "/sys/fs/cgroup/$name"; done
  done
}

wait_for_network() {
  until ip route show default | grep -q . && ip link show eth0 up | grep -q LOWER_UP; do sleep 0.05; done
  echo 1 >/proc/sys/net/ipv4/ip_forward
}

start_containerd() {
  containerd --config "$FOLDER/containerd.toml" >"$FOLDER/containerd.log" 2>&1 &
  until ctr version >/dev/null 2>&1; do sleep 0.1; done
}

# Before the kubelet, so that no pod comes to a node without its image.
import_images() {
  local archive
  for archive in "$IMAGES"/*.tar; do
    [ ! -e "$archive" ] || ctr -n k8s.io images import "$archive"
  done
}

start_kubernetes() {
  "$BIN/kubelet" --config "$FOLDER/kubelet.yaml" --kubeconfig "$KUBELET" \
    --hostname-override "$NODE" --node-ip "$ADDRESS" >"$FOLDER/kubelet.log" 2>&1 &
  "$BIN/kube-proxy" --kubeconfig "$KUBE_PROXY" --hostname-override "$NODE" --proxy-mode iptables \
    --cluster-cidr "$PODS" --conntrack-max-per-core 0 >"$FOLDER/kube-proxy.log" 2>&1 &
}

export PATH=$DEBIAN/usr/bin:$DEBIAN/usr/sbin:$PATH
hostname "$NODE"
mount_own_folders
mount_cgroups
mount --make-rshared /
wait_for_network
start_containerd
import_images
start_kubernetes
wait -n || true
echo "a process of node $NODE ended; its logs are in $FOLDER" >&2
exit 1
