#!/usr/bin/env bash
# Builds tessera and turns a photograph into an edge picture on this machine, without a cluster.
# IMAGE=path takes a picture of yours. It may not start anything, nor write outside the cache.
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=photograph.sh
. "$DEV/photograph.sh"

FOLDER=$CACHE/try

build() {
  command -v cargo >/dev/null || fail "Rust is missing: install it from https://rustup.rs"
  mkdir -p "$FOLDER"
  watched "cargo build" cargo build --release -p tessera-cli --manifest-path "$ROOT/Cargo.toml"
}

# A path in single quotes for YAML.
quoted() { printf "'%s'" "${1//\'/\'\'}"; }

write_job() {
  cat >"$FOLDER/edges.yaml" <<YAML
apiVersion: tessera.dev/v1alpha1
kind: ImageJob
metadata: {name: edges}
spec:
  source: {uri: $(quoted "$image")}
  operations:
  - grayscale: {}
  - gaussianBlur: {sigma: 1.5}
  - sobel: {}
  output: {uri: $(quoted "$FOLDER/edges.png"), ifExists: Replace}
YAML
}

image=${IMAGE:-$PHOTOGRAPH}
step "building tessera (some minutes the first time)" build
if [ -z "${IMAGE:-}" ]; then step "the photograph" photograph; fi
[ -e "$image" ] || fail "there is no picture at $image"
image=$(realpath "$image")
write_job
step "tessera run $FOLDER/edges.yaml" "$TARGET/release/tessera" run "$FOLDER/edges.yaml"

cat <<TEXT

The photograph:   $image
Its edges:        $FOLDER/edges.png

What to do next:
  $TARGET/release/tessera plan $FOLDER/edges.yaml       what would happen, and what it costs
  edit $FOLDER/edges.yaml and run it again: operations are grayscale, invert, brightnessContrast,
    gaussianBlur and sobel, in any order and number; outputs are .tif, .png and .jpg
  IMAGE=photo.jpg make try                              a picture of yours
  make demo                                             a picture a hundred times as large, on a real cluster
TEXT
