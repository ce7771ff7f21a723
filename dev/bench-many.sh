#!/usr/bin/env bash
# Many jobs at once, measured: real images over several namespaces, jobs without pixels on nodes that KWOK plays, and one
# job of very many tiles. Writes docs/benchmarks/many/*.json and the page docs/benchmarks/many.md from them.
# PARTS="real jobs tiles page" are what is run; JOBS=10000 how many without pixels; OF the name of what is measured.
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=cluster/process.sh
. "$DEV/cluster/process.sh"

PARTS=${PARTS:-real jobs tiles page}
REAL=${REAL:-200}
JOBS=${JOBS:-10000}
OF=${OF:-$(git -C "$ROOT" describe --always --dirty)}
FOLDER=${FOLDER:-$ROOT/docs/benchmarks/many}

tools_of_many() { "$DEV/tools.sh" many; }

many() { "$TARGET/release/many" "$@"; }

# The operator anew, so that its memory is that of this part alone.
fresh_operator() {
  kubectl rollout restart deployment --namespace tessera-system --selector app.kubernetes.io/component=operator
  kubectl rollout status deployment --namespace tessera-system --selector app.kubernetes.io/component=operator --timeout 60s
} >/dev/null

start_kwok() {
  alive kwok || start kwok "$BIN/kwok" --config "$DEV/many/kwok.yaml" --kubeconfig "$KUBECONFIG" \
    --manage-nodes-with-label-selector tessera.dev/simulated=yes --node-lease-duration-seconds 24
}

# part NAME ARGUMENTS...
part() {
  fresh_operator
  many "$1" "${@:2}" --of "$OF"
}

run_real() { part real --jobs "$REAL" --namespaces 5 --slots 2 --patience 900 --out "$FOLDER/real.json"; }
run_jobs() {
  start_kwok
  part jobs --jobs "$JOBS" --namespaces 10 --slots 20 --every "$((JOBS > 2000 ? 5 : 2))" --patience 5400 --out "$FOLDER/jobs-$JOBS${SUFFIX:-}.json"
}
run_tiles() {
  start_kwok
  part tiles --slots 200 --out "$FOLDER/tiles${SUFFIX:-}.json"
}
run_page() { many page "$FOLDER"; }

step "the cluster" "$DEV/cluster.sh" up
step "KWOK" tools_of_many
step "images" "$DEV/images.sh"
step "install" "$DEV/install.sh"
eval "$("$DEV/cluster.sh" env)"
trap 'stop kwok' EXIT
for name in $PARTS; do step "$name" "run_$name"; done
