# Builds all programs: one selection for every script, with examples, since they ask for the development dependencies as
# the tests do. Another selection would have other features, and its dependencies be built again.
# shellcheck shell=bash

build_programs() {
  command -v cargo >/dev/null || fail "Rust is missing: install rustup; the toolchain is pinned in rust-toolchain.toml"
  local build=(cargo build --release --workspace --bins --examples --manifest-path "$ROOT/Cargo.toml")
  if [ -t 2 ]; then # cargo shows its own progress on a terminal
    "${build[@]}"
  else
    watched "cargo build" "${build[@]}"
  fi
}
