#!/usr/bin/env bash
# Measures Tessera on the local cluster and writes docs/benchmarks/fleet.md: what more slots bring, what a job costs beside
# its pixels, and `tessera run` and dask beside it. QUICK=1 is a trial of 4 minutes, whose page goes to the cache; PEERS=no
# leaves dask out. The cluster and what was built stay; all else is removed.
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=programs.sh
. "$DEV/programs.sh"
# shellcheck source=photograph.sh
. "$DEV/photograph.sh"

BENCH=$CACHE/bench
PAGES=$ROOT/docs/benchmarks
LARGE="24000 20000"
[ -z "${QUICK:-}" ] || PAGES=$BENCH/trial LARGE="8192 8192"

# Dask with what it needs, in an environment of its own; another list of versions makes another one.
peers() {
  local requirements=$DEV/bench/requirements.txt key
  [ "${PEERS:-yes}" != no ] || return 0
  command -v python3 >/dev/null || fail "Python 3 is missing: install it, or leave dask out: PEERS=no make bench-cluster"
  key=$(cat "$requirements" <(python3 --version) | sha256sum | cut -c 1-12)
  PYTHON=$BENCH/python-$key/bin/python
  [ -e "$BENCH/python-$key/done" ] && return
  mkdir -p "$BENCH"
  rm -rf "$BENCH/python-$key"
  watched "python3 -m venv" python3 -m venv "$BENCH/python-$key"
  watched "pip install" "$PYTHON" -m pip install --quiet --requirement "$requirements"
  touch "$BENCH/python-$key/done"
}

# picture NAME WIDTH HEIGHT: the photograph mirrored out to this size, under this name.
picture() {
  local file=$BENCH/photo-$2x$3.tif
  if [ ! -e "$file" ]; then
    watched "mirroring to $2x$3" "$TARGET/release/tessera-picture" mirror "$PHOTOGRAPH" "$2" "$3" "$file.new"
    mv "$file.new" "$file"
  fi
  ln -sfT "$file" "$BENCH/$1"
}

# A photograph of 12 MP: a picture, converted by tessera itself.
small_picture() {
  [ ! -e "$BENCH/small.jpg" ] || return 0
  picture small.tif 4000 3000
  printf '%s\n' "apiVersion: tessera.dev/v1alpha1" "kind: ImageJob" "metadata: {name: small}" "spec:" \
    "  source: {uri: \"file://$BENCH/small.tif\"}" "  operations: []" "  output: {uri: \"file://$BENCH/small.jpg\"}" >"$BENCH/small.yaml"
  watched "converting to JPEG" "$TARGET/release/tessera" run "$BENCH/small.yaml"
}

pictures() {
  mkdir -p "$BENCH"
  photograph
  # shellcheck disable=SC2086 # two words
  picture large.tif $LARGE
  picture wide.tif 16384 8192
  picture quick.tif 8192 8192
  picture tiny.tif 2560 512
  small_picture
}

# An S3 server of the bench's own, the same as the cluster's but with an access log, on the next port.
start_s3() {
  local host=${AWS_ENDPOINT_URL#http://} bucket
  S3=http://${host%:*}:$((${host##*:} + 1))
  [ -z "$(ss -Hltn "( sport = :${S3##*:} )")" ] || fail "port ${S3##*:} is in use: by another make bench-cluster?"
  rm -rf "$BENCH/s3"
  for bucket in images results; do mkdir -p "$BENCH/s3/data/$bucket"; done
  ROOT_ACCESS_KEY=$AWS_ACCESS_KEY_ID ROOT_SECRET_KEY=$AWS_SECRET_ACCESS_KEY versitygw --quiet --region "$AWS_REGION" \
    --port "${S3#http://}" --health /health --access-log "$BENCH/s3/access.log" posix "$BENCH/s3/data" >"$BENCH/s3/log" 2>&1 &
  S3_PROCESS=$!
  trap end_s3 EXIT
  wait_for 10 "the S3 server of the bench (see $BENCH/s3/log)" curl -fsS "$S3/health"
}

end_s3() {
  kill "$S3_PROCESS" 2>/dev/null || true
  wait "$S3_PROCESS" 2>/dev/null || true
  rm -rf "$BENCH/s3"
}

# The versions that the page names, as arguments.
versions() {
  local one
  for one in "Tessera $(git -C "$ROOT" describe --always --dirty)" "versitygw $VERSITYGW" \
    "etcd $("$CACHE/debian/usr/bin/etcd" --version | sed -n 's/^etcd Version: //p') without fsync"; do
    printf '%s\n' --version-of "$one"
  done
  [ "${PEERS:-yes}" = no ] || sed -n 's/^\([^#=]*\)==\(.*\)/--version-of\n\1 \2/p' "$DEV/bench/requirements.txt"
}

measure() {
  local arguments
  mapfile -t arguments < <(versions)
  [ "${PEERS:-yes}" = no ] || arguments+=(--python "$PYTHON")
  [ -z "${QUICK:-}" ] || arguments+=(--quick)
  AWS_ENDPOINT_URL=$S3 "$TARGET/release/tessera-bench-cluster" --folder "$BENCH" --access-log "$BENCH/s3/access.log" \
    --tessera "$TARGET/release/tessera" --peers "$DEV/bench" --pages "$PAGES" "${arguments[@]}"
}

say "Tessera: more slots, more speed"
step "the cluster" "$DEV/cluster.sh" up
[ "${BUILD:-yes}" = no ] || step "programs" build_programs
step "images" env BUILD=no "$DEV/images.sh"
step "install" "$DEV/install.sh"
step "dask" peers
step "pictures" pictures
eval "$("$DEV/cluster.sh" env)"
step "an S3 server" start_s3
step "measuring" measure
say "done in $((SECONDS / 60)) min $((SECONDS % 60)) s"
