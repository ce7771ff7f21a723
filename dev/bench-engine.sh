#!/usr/bin/env bash
# Measures the engine's kernels beside OpenCV, libvips, fast_image_resize and libblur, in turn on the same pixels, and writes
# docs/benchmarks/engine.md. QUICK=1 is a trial on 16 megapixels, whose page goes to the cache. ONLY=sobel,gamma measures
# only the cases with such names, and keeps what was measured before of the others. CRATES=no leaves the two crates out,
# which take minutes to build.
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=photograph.sh
. "$DEV/photograph.sh"

SIDE=${SIDE:-10000}
PAGES=$ROOT/docs/benchmarks
[ -z "${QUICK:-}" ] || SIDE=4000 PAGES=$CACHE/bench-engine/trial
FOLDER=$CACHE/bench-engine/$SIDE

build() {
  command -v cargo >/dev/null || fail "Rust is missing: install rustup; the toolchain is pinned in rust-toolchain.toml"
  CARGO_TARGET_DIR=$TARGET watched "cargo build" cargo build --release --manifest-path "$DEV/bench-engine/Cargo.toml" ${CRATES:+--no-default-features}
}

# The peers, in an environment of their own; another list of versions makes another one.
peers() {
  local requirements=$DEV/bench/requirements-engine.txt key
  command -v python3 >/dev/null || fail "Python 3 is missing: install it with its venv module"
  key=$(cat "$requirements" <(python3 --version) | sha256sum | cut -c 1-12)
  PYTHON=$CACHE/bench-engine/python-$key/bin/python
  [ -e "$CACHE/bench-engine/python-$key/done" ] && return
  rm -rf "$CACHE/bench-engine/python-$key"
  watched "python3 -m venv" python3 -m venv "$CACHE/bench-engine/python-$key"
  watched "pip install" "$PYTHON" -m pip install --quiet --requirement "$requirements"
  touch "$CACHE/bench-engine/python-$key/done"
}

pictures() {
  [ ! -e "$FOLDER/done" ] || return 0
  photograph
  mkdir -p "$FOLDER"
  "$PYTHON" "$DEV/bench/engine_pictures.py" "$PHOTOGRAPH" "$FOLDER" "$SIDE" "$SIDE"
  touch "$FOLDER/done"
}

about() {
  local versions crates="; fast_image_resize 6.1.0, libblur 0.24.0"
  [ -z "${CRATES:-}" ] || crates=
  versions=$(sed -n 's/^\([^#=]*\)==\(.*\)/\1 \2/p' "$DEV/bench/requirements-engine.txt" | paste -sd, | sed 's/,/, /g')
  printf '%s\n' --about "$(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -1), $(nproc) threads, $(grep -o -w -m1 -E 'avx512bw|avx2' /proc/cpuinfo | sort -ru | head -1)" \
    --about "Tessera $(git -C "$ROOT" describe --always --dirty); $versions$crates"
}

# All candidates keep freed memory: fresh pages would cost more than most kernels. And all take huge pages: NumPy asks for
# them, and OpenCV, whose pictures it holds, would have them alone.
measure() {
  local arguments
  mapfile -t arguments < <(about)
  [ -z "${ONLY:-}" ] || arguments+=(--only "$ONLY" --about "Measured again by themselves, in a run of their own: $ONLY")
  GLIBC_TUNABLES=glibc.malloc.hugetlb=1 MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=1099511627776 "$TARGET/release/tessera-bench-engine" --folder "$FOLDER" \
    --python "$PYTHON" --peers "$DEV/bench" --side "$SIDE" --rounds "${ROUNDS:-5}" --pages "$PAGES" "${arguments[@]}"
}

say "Tessera: the engine beside its peers"
[ "${BUILD:-yes}" = no ] || step "the program" build
step "the peers" peers
step "pictures" pictures
step "measuring" measure
say "done in $((SECONDS / 60)) min $((SECONDS % 60)) s: $PAGES/engine.md"
