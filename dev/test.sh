#!/usr/bin/env bash
# All tests, cheapest first: lints, the crates' own tests, then a real cluster with the chart installed and the tests on it.
# It leaves the cluster up, for the next run and for looking into what failed.
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cd "$ROOT"
command -v cargo >/dev/null || fail "Rust is missing: install rustup; the toolchain is pinned in rust-toolchain.toml"

# aloud COMMAND...: with its output, for its own account of what passed and failed.
aloud() { "$@" 2>&1; }

lint() {
  "$DEV/tools.sh" lint
  watched "cargo fmt" cargo fmt --all --check
  watched "cargo clippy" cargo clippy --release --workspace --all-targets -- -D warnings
  shellcheck dev/*.sh dev/cluster/*.sh .ci/run
}

# One selection of packages for every build below: with another one, dependencies would have other features and be built again.
build() { watched "cargo build" cargo build --release --workspace --all-targets; }

# The operations against OpenCV, SciPy and float64 formulas.
oracle() {
  local python
  python=$("$DEV/python.sh" operations/tests/oracle)
  watched "oracle" "$python" operations/tests/oracle/compare.py "$TARGET/release/examples/apply"
}

# Our files in the programs of the field.
readers() {
  local python
  "$DEV/tools.sh" readers
  python=$("$DEV/python.sh" dev/readers)
  watched "readers" "$python" dev/readers/check.py "$TARGET/release/tessera"
}

on_cluster() {
  eval "$("$DEV/cluster.sh" env)"
  aloud cargo test --release --workspace --test cluster -- --test-threads "${TEST_THREADS:-4}"
}

# They kill nodes and scale pools, so one goes after the other.
fleet_on_cluster() {
  eval "$("$DEV/cluster.sh" env)"
  aloud cargo test --release --workspace --test fleet -- --test-threads 1 --nocapture
}

# The golden digests on a processor without AVX, which kernels must not notice.
on_an_old_processor() {
  [ "$(uname -m)" = x86_64 ] || return 0
  CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER="qemu-x86_64 -cpu Nehalem" \
    aloud cargo test --release --workspace --exclude tessera-e2e --lib -- testing::golden
}

say "Tessera: all tests"
step "lints" lint
step "build" build
step "tests of the crates" aloud cargo test --release --workspace --exclude tessera-e2e --no-fail-fast
step "the operations against other libraries" oracle
step "the files in other programs" readers
step "the same bits on an old processor" on_an_old_processor
step "the cluster" "$DEV/cluster.sh" up
step "images" env BUILD=no "$DEV/images.sh"
step "install" "$DEV/install.sh"
step "the page in Chromium" aloud "$DEV/page-test.sh" stand-in
step "the page on the cluster" aloud "$DEV/page-test.sh" cluster
step "KEDA's schema" "$DEV/keda.sh"
step "tests on the cluster" on_cluster
step "tests of the fleet" fleet_on_cluster
say "all passed in $((SECONDS / 60)) min $((SECONDS % 60)) s"
