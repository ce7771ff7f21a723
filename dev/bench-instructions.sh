#!/usr/bin/env bash
# Counts the instructions of each operation and compares them with docs/benchmarks/instructions.json: over 5 % more is a
# failure. ACCEPT=1 writes the new figures down.
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=programs.sh
. "$DEV/programs.sh"

count() {
  command -v valgrind >/dev/null || fail "valgrind is missing: install it (apt-get install valgrind)"
  python3 "$DEV/instructions.py" "$TARGET/release/examples/apply" "$ROOT/docs/benchmarks/instructions.json" ${ACCEPT:+accept}
}

[ "${BUILD:-yes}" = no ] || step "programs" build_programs
step "instructions for each pixel" count
