# Shared by every script here: where things are, and how they speak to the user.
# It may not start, build or change anything.
# shellcheck shell=bash
set -Eeuo pipefail
trap 'echo "error: ${BASH_SOURCE[0]##*/}, line $LINENO: $BASH_COMMAND" >&2' ERR

DEV=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(dirname "$DEV")
CACHE=${TESSERA_CACHE:-$HOME/.cache/tessera}
STATE=${TESSERA_STATE:-$CACHE/cluster} # of the running cluster; gone after cluster-down
BIN=$CACHE/bin                         # links to the pinned tools
TARGET=${CARGO_TARGET_DIR:-$ROOT/target}
IMAGES=$CACHE/images  # archives that every node imports when it starts
# shellcheck source=versions.env
. "$DEV/versions.env"

STEP=0

say() { printf '%s\n' "$*"; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# step WORDS COMMAND...: a numbered step, and what it took. The steps of a script that a step runs are 2.1, 2.2, ...
step() {
  local words=$1 start=$SECONDS before=${STEP_PREFIX:-}
  shift
  STEP=$((STEP + 1))
  say "  [$before$STEP] $words"
  export STEP_PREFIX=$before$STEP.
  "$@"
  STEP_PREFIX=$before
  say "      $((SECONDS - start)) s"
}

# watched WORDS COMMAND...: runs it with its output in a log, and says every 10 s that it still does.
watched() {
  local words=$1 log start=$SECONDS tick=0 pid
  shift
  log=$CACHE/log/${words//[^a-zA-Z0-9.]/-}.log
  mkdir -p "$CACHE/log"
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  trap 'kill "$pid" 2>/dev/null' INT TERM
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.1
    tick=$((tick + 1))
    ((tick % 100)) || say "      $words ... $((SECONDS - start)) s"
  done
  trap - INT TERM
  wait "$pid" || failed_with_log "$words" "$log"
}

failed_with_log() {
  tail -n 20 "$2" >&2
  fail "$1 failed; all of it is in $2"
}

NEVER=99 # the status of a command that will not succeed any more

# wait_for SECONDS WORDS COMMAND...: until the command succeeds.
wait_for() {
  local end=$((SECONDS + $1)) words=$2 status
  shift 2
  while true; do
    status=0
    "$@" >/dev/null 2>&1 || status=$?
    ((status)) || return 0
    ((status != NEVER && SECONDS < end)) || fail "waited in vain for $words"
    sleep 0.2
  done
}

need_root() {
  [ "$(uname -s)" = Linux ] || fail "this needs Linux"
  [ "$(id -u)" = 0 ] || fail "this cluster needs root (it makes namespaces, links and cgroups);" \
    "without root, with Docker and kind: make cluster CLUSTER=kind"
}

need_go() {
  command -v go >/dev/null || fail "Go is missing: install Go $GO_MINIMUM or newer and put it on the PATH"
  local version
  version=$(go env GOVERSION) version=${version#go}
  printf '%s\n' "$GO_MINIMUM" "$version" | sort -C -V || fail "Go $version is too old: $GO_MINIMUM or newer is needed"
}
