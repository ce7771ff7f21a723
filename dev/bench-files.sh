#!/usr/bin/env bash
# Measures `tessera run` beside libvips on whole files, in turn, and writes docs/benchmarks/files.md. QUICK=1 is a trial
# without the largest, whose page goes to the cache.
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=programs.sh
. "$DEV/programs.sh"
# shellcheck source=photograph.sh
. "$DEV/photograph.sh"

FOLDER=$CACHE/bench/files
PAGE=$ROOT/docs/benchmarks/files.md
[ -z "${QUICK:-}" ] || PAGE=$CACHE/bench/trial/files.md

measure() {
  local machine versions
  machine="$(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -1), $(nproc) threads"
  versions="Tessera $(git -C "$ROOT" describe --always --dirty); $(sed -n 's/^\(pyvips[^=]*\)==\(.*\)/\1 \2/p' "$DEV/bench-files/requirements.txt" | paste -sd,)"
  mkdir -p "$FOLDER"
  photograph
  PHOTOGRAPH=$PHOTOGRAPH "$PYTHON" "$DEV/bench-files/measure.py" "$TARGET/release/tessera" "$FOLDER" "$PAGE" "$machine" "$versions" ${QUICK:+quick}
}

say "Tessera: whole files beside libvips"
[ "${BUILD:-yes}" = no ] || step "programs" build_programs
cd "$ROOT"
PYTHON=$("$DEV/python.sh" dev/bench-files)
step "measuring" measure
say "done in $((SECONDS / 60)) min $((SECONDS % 60)) s: $PAGE"
