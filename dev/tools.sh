#!/usr/bin/env bash
# Brings the tools of the local cluster into the cache: Debian packages, Kubernetes, Helm, CoreDNS, versitygw.
# Each is built once for each pinned version. It may not start anything, nor write outside the cache,
# except that it installs missing Debian packages.
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

KUBERNETES_COMMANDS="kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet kubectl"
APT_UPDATED=

apt_update() {
  [ -n "$APT_UPDATED" ] || watched "apt-get update" apt-get update -q
  APT_UPDATED=yes
}

# install_packages LIST: of "command:package", those whose command is missing.
install_packages() {
  local pair missing=()
  for pair in $1; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
  done
  [ -e /usr/include/stdio.h ] || missing+=(libc6-dev)
  ((${#missing[@]})) || return 0
  command -v apt-get >/dev/null || fail "please install: ${missing[*]}"
  apt_update
  watched "installing ${missing[*]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# Unpacked and not installed, so that no service of theirs starts on this machine.
unpack_packages() {
  local folder=$CACHE/debian
  [ "$(cat "$folder/list" 2>/dev/null)" = "$DEBIAN_UNPACKED" ] && return
  command -v apt-get >/dev/null || fail "containerd, runc and etcd come from Debian packages: this needs Debian or Ubuntu"
  apt_update
  rm -rf "$folder"
  # shellcheck disable=SC2086 # a list of words
  watched "downloading $DEBIAN_UNPACKED" download_and_unpack "$folder" $DEBIAN_UNPACKED
  echo "$DEBIAN_UNPACKED" >"$folder/list"
}

# download_and_unpack FOLDER PACKAGE...
download_and_unpack() {
  local folder=$1 archive
  shift
  mkdir -p "$folder/archives"
  (cd "$folder/archives" && apt-get download -q "$@")
  for archive in "$folder"/archives/*.deb; do dpkg-deb -x "$archive" "$folder"; done
  rm -r "$folder/archives"
}

# link NAME FOLDER: makes the binary FOLDER/NAME the current one.
link() { ln -sfn "$2/$1" "$BIN/$1"; }

go_build() {
  local folder=$1 flags=$2
  shift 2
  CGO_ENABLED=0 GOBIN=$folder.new GOWORK=off GOFLAGS='' go install -trimpath -ldflags "-s -w $flags" "$@" || return
  mv -T "$folder.new" "$folder"
}

build_kubernetes() {
  local folder=$CACHE/tools/kubernetes-$KUBERNETES name packages=()
  for name in $KUBERNETES_COMMANDS; do packages+=("k8s.io/kubernetes/cmd/$name"); done
  if [ ! -d "$folder" ]; then
    cd "$DEV/kubernetes" || return
    [ "$(go list -mod=readonly -m -f '{{.Version}}' k8s.io/kubernetes)" = "$KUBERNETES" ] ||
      fail "dev/kubernetes/go.mod does not require Kubernetes $KUBERNETES, as dev/versions.env does"
    watched "downloading the sources of Kubernetes $KUBERNETES" go mod download
    watched "building Kubernetes $KUBERNETES (4 to 6 minutes on 2 cores)" go_build "$folder" \
      "-X k8s.io/component-base/version.gitVersion=$KUBERNETES" -mod=readonly "${packages[@]}"
    cd "$ROOT" || return
  fi
  for name in $KUBERNETES_COMMANDS; do link "$name" "$folder"; done
}

# build_tool NAME VERSION PACKAGE
build_tool() {
  local folder=$CACHE/tools/$1-$2
  [ -d "$folder" ] || watched "building $1 $2 (1 to 3 minutes on 2 cores)" go_build "$folder" "" "$3@$2"
  link "$1" "$folder"
}

# The process that holds a pod's namespaces, from the same verified sources as Kubernetes.
build_pause() {
  local folder=$CACHE/tools/pause-$KUBERNETES source
  if [ ! -d "$folder" ]; then
    source=$(cd "$DEV/kubernetes" && go list -mod=readonly -m -f '{{.Dir}}' k8s.io/kubernetes)/build/pause/linux/pause.c
    mkdir -p "$folder.new"
    cc -Os -static -s -DVERSION="$KUBERNETES" -o "$folder.new/pause" "$source"
    mv -T "$folder.new" "$folder"
  fi
  link pause "$folder"
}

# What every kind of cluster needs: its client, Helm and the S3 server.
client_tools() {
  step "Kubernetes $KUBERNETES" build_kubernetes
  step "Helm $HELM" build_tool helm "$HELM" helm.sh/helm/v4/cmd/helm
  step "versitygw $VERSITYGW (S3)" build_tool versitygw "$VERSITYGW" github.com/versity/versitygw/cmd/versitygw
}

cluster_tools() {
  step "Debian packages" debian_packages
  client_tools
  step "CoreDNS $COREDNS" build_tool coredns "$COREDNS" github.com/coredns/coredns
  step "pause" build_pause
}

# What the benchmark of many jobs needs beside the cluster.
many_tools() {
  step "KWOK $KWOK" build_tool kwok "$KWOK" sigs.k8s.io/kwok/cmd/kwok
}

# What the lints need.
lint_tools() { install_packages "$DEBIAN_INSTALLED"; }

# What opens our files in tests.
readers_tools() { install_packages "$DEBIAN_READERS"; }

# What tests the page.
page_tools() { install_packages "$DEBIAN_PAGE"; }

debian_packages() {
  install_packages "$DEBIAN_INSTALLED"
  unpack_packages
}

# The pins and the machine are as they were when everything was there the last time.
tools_ready() { [ "$(cat "$CACHE/tools/done-$1" 2>/dev/null)" = "$(tools_key "$1")" ]; }
tools_key() { echo "$1 $(sha256sum <"$DEV/versions.env")"; }

# tools client|cluster|lint|many|readers|page
tools() {
  tools_ready "$1" && return
  need_go
  mkdir -p "$BIN" "$CACHE/tools"
  say "Tools of the cluster (built once, kept in $CACHE):"
  "$1_tools"
  tools_key "$1" >"$CACHE/tools/done-$1"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then tools "${1:-cluster}"; fi
