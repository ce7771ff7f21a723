#!/usr/bin/env bash
# Makes the images of the operator, the worker and the page from release binaries (and what npm builds), and loads them into
# every running node; BUILD=no takes the binaries that are there. A tag names the content of its image, so a node never runs
# an older one. It may not push.
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=programs.sh
. "$DEV/programs.sh"
# shellcheck source=image.sh
. "$DEV/image.sh"
# shellcheck source=ui.sh
. "$DEV/ui.sh"

USER_ID=65532
BASE_PACKAGES="libc6 libgcc-s1 ca-certificates tzdata"
COMPONENTS=${COMPONENTS:-operator worker frontend}

# What distroless images have, made from the Debian packages of this machine's release: the C library
# in a pod is then the one that the binaries were linked with.
base_layer() {
  local key layer folder
  key=$(sha256sum <<<"$BASE_PACKAGES $(libc_version)" | cut -c 1-12)
  layer=$IMAGES/base/$key.layer
  if [ ! -e "$layer" ]; then
    mkdir -p "$IMAGES/base"
    folder=$(mktemp -d)
    # shellcheck disable=SC2086 # a list of words
    unpack_base "$folder" $BASE_PACKAGES >&2
    layer "$folder" "$layer.new"
    mv "$layer.new" "$layer"
    rm -rf "$folder"
  fi
  echo "$layer"
}

libc_version() { dpkg-query -W -f '${Version}' libc6; }

# unpack_base FOLDER PACKAGE...
unpack_base() {
  local folder=$1 part archive
  shift
  command -v apt-get >/dev/null || fail "the images' base comes from Debian packages: this needs Debian or Ubuntu (or use dev/Dockerfile)"
  mkdir "$folder.packages"
  (cd "$folder.packages" && watched "downloading $*" apt-get download -q "$@")
  for archive in "$folder.packages"/*.deb; do dpkg-deb -x "$archive" "$folder"; done
  for part in lib lib64; do [ -e "$folder/$part" ] || [ ! -e "$folder/usr/$part" ] || ln -s "usr/$part" "$folder/$part"; done
  mkdir -p "$folder/etc/ssl/certs"
  find "$folder/usr/share/ca-certificates" -name '*.crt' -print0 | sort -z | xargs -0 cat >"$folder/etc/ssl/certs/ca-certificates.crt"
  echo "tessera:x:$USER_ID:$USER_ID::/:/" >"$folder/etc/passwd"
  mkdir -m 1777 "$folder/tmp"
  rm -rf "$folder.packages" "$folder"/usr/share/{doc,man,locale,lintian} "$folder"/usr/lib/*/gconv
}

# binaries COMPONENT: the names of its binaries; the first is what its image starts.
binaries() {
  case $1 in
    frontend) echo frontend preview ;;
    *) echo "tessera-$1" ;;
  esac
}

# content COMPONENT: a name for all that its image holds.
content() {
  local name
  {
    for name in $(binaries "$1"); do digest "$TARGET/release/$name"; done
    [ "$1" != frontend ] || basename "$UI_FOLDER"
  } | sha256sum | cut -c 1-12
}

# pack COMPONENT: writes its archive unless it is there, removes older ones, and prints the image's name.
pack() {
  local tag archive layers name names
  names=$(binaries "$1")
  tag=dev-$(content "$1")
  archive=$IMAGES/tessera-$1-$tag.tar
  if [ ! -e "$archive" ]; then
    layers=$(mktemp -d "$IMAGES/layers.XXXXXX")
    for name in $names; do install -D "$TARGET/release/$name" "$layers/root/usr/local/bin/$name"; done
    [ "$1" != frontend ] || cp -r "$UI_FOLDER" "$layers/root/ui"
    layer "$layers/root" "$layers/binary.layer"
    image "$archive" "localhost/tessera-$1:$tag" "$USER_ID:$USER_ID" "/usr/local/bin/${names%% *}" "$(base_layer)" "$layers/binary.layer"
    rm -r "$layers"
    find "$IMAGES" -name "tessera-$1-dev-*.tar" ! -path "$archive" -delete
  fi
  echo "localhost/tessera-$1:$tag"
}

pack_all() {
  local component name
  mkdir -p "$IMAGES"
  base_layer >/dev/null
  UI_FOLDER=$(ui_folder)
  for component in $COMPONENTS; do
    name=$(pack "$component")
    echo "${component^^}_IMAGE=$name" >>"$IMAGES/images.env.new"
  done
  mv "$IMAGES/images.env.new" "$IMAGES/images.env"
}

load_all() {
  local node
  if [ -e "$STATE/kind" ]; then load_into_kind; fi
  for node in $("$DEV/cluster.sh" nodes); do load_into "$node"; done
}

# load_into NODE: the images that it does not have yet.
load_into() {
  local present name
  present=$("$DEV/cluster.sh" enter "$1" ctr -n k8s.io images list -q)
  for name in $(image_names); do
    grep -qxF "$name" <<<"$present" || "$DEV/cluster.sh" enter "$1" ctr -n k8s.io images import "$(archive_of "$name")" >/dev/null
  done
}

# NOT RUN with a real kind so far.
load_into_kind() {
  local name
  for name in $(image_names); do
    docker load -q -i "$(archive_of "$name")"
    kind load docker-image --name tessera "$name"
  done
}

image_names() { cut -d = -f 2 "$IMAGES/images.env"; }

# archive_of NAME: localhost/tessera-worker:dev-x -> tessera-worker-dev-x.tar
archive_of() {
  local file=${1#localhost/}
  echo "$IMAGES/${file/:/-}.tar"
}

[ "${BUILD:-yes}" = no ] || step "programs" build_programs
step "images" pack_all
step "images to nodes" load_all
cat "$IMAGES/images.env"
