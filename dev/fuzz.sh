#!/usr/bin/env bash
# Runs each fuzzer of fuzz/ for SECONDS (60), or only those in TARGETS, beginning with hostile/corpus and with what earlier runs
# have kept in the cache. It stops at the first input that breaks a parser, and says how to keep it as a test.
SECONDS_EACH=${SECONDS_EACH:-60}
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# What one input may take: no parser needs more for the sizes that libFuzzer makes.
MEMORY=512 TIME=10 LENGTH=16384

cd "$ROOT"
tool=$CACHE/tools/cargo-fuzz-$CARGO_FUZZ
found=$CACHE/fuzz/found

install_tool() { cargo install --quiet --locked --version "$CARGO_FUZZ" --root "$tool.new" cargo-fuzz && mv -T "$tool.new" "$tool"; }

# Without a sanitizer, so that the pinned stable compiler will do: no crate of ours has unsafe code.
build() { PATH=$tool/bin:$PATH cargo fuzz build --sanitizer none --fuzz-dir fuzz; }

# fuzz TARGET
fuzz() {
  local target=$1 kept=$CACHE/fuzz/corpus/$1 binary=fuzz/target/$HOST/release/$1
  mkdir -p "$kept" "$found"
  "$binary" -max_total_time="$SECONDS_EACH" -max_len=$LENGTH -timeout=$TIME -rss_limit_mb=$MEMORY -print_final_stats=1 \
    -artifact_prefix="$found/$target-" "$kept" "hostile/corpus/$target" >"$CACHE/log/fuzz-$target.log" 2>&1 || broken "$target"
  awk -v target="$target" '/DONE/ { cov = $4 } /number_of_executed_units/ { runs = $2 } /peak_rss_mb/ { peak = $2 }
    END { printf "      %-12s %9d inputs, %5d places reached, %3d MB\n", target, runs, cov, peak }' "$CACHE/log/fuzz-$target.log"
}

broken() {
  tail -n 30 "$CACHE/log/fuzz-$1.log" >&2
  fail "an input breaks $1: mend the parser, and keep the input as a test: mv $found/$1-... hostile/corpus/$1/"
}

HOST=$(rustc -vV | sed -n 's/^host: //p')
mkdir -p "$CACHE/tools" "$CACHE/log"
[ -d "$tool" ] || watched "building cargo-fuzz $CARGO_FUZZ" install_tool
step "fuzzers" watched "building the fuzzers" build
for file in fuzz/targets/*.rs; do
  target=$(basename "$file" .rs)
  [[ " ${TARGETS:-$target} " == *" $target "* ]] || continue
  fuzz "$target"
done
