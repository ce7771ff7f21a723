#!/usr/bin/env bash
# The main job on a real cluster, from nothing: a large picture in, one finished file out, compared byte for byte with what
# one machine computes, and a page to look at. IMAGE=path takes your own picture. It may be repeated.
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=programs.sh
. "$DEV/programs.sh"
# shellcheck source=photograph.sh
. "$DEV/photograph.sh"

DEMO=$CACHE/demo
SIZE="24000 20000"
JOB=demo
DEMO_USER=$(printf demo | sha256sum | cut -c 1-40)

# The picture: yours, or a photograph mirrored out, so that any seam to be seen is ours.
make_picture() {
  mkdir -p "$DEMO"
  if [ -n "${IMAGE:-}" ]; then
    [ -r "$IMAGE" ] || fail "IMAGE=$IMAGE cannot be read"
    PICTURE=$(realpath "$IMAGE")
    return
  fi
  PICTURE=$DEMO/photo-${SIZE/ /x}.tif
  [ -e "$PICTURE" ] && return
  photograph
  # shellcheck disable=SC2086 # two words
  watched "mirroring the photograph" "$TARGET/release/tessera-picture" mirror "$PHOTOGRAPH" $SIZE "$PICTURE.new"
  mv "$PICTURE.new" "$PICTURE"
}

# s3 CURL-ARGUMENTS...: a signed request. The key is not among the arguments, which all can see.
s3() {
  curl --silent --show-error --fail --aws-sigv4 "aws:amz:$AWS_REGION:s3" -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' \
    --config <(printf 'user = "%s:%s"\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY") "$@"
}

upload() {
  OBJECT=demo/$(basename "$PICTURE")
  local here there
  here=$(stat -c %s "$PICTURE")
  there=$(s3 --range 0-0 --dump-header - --output /dev/null "$AWS_ENDPOINT_URL/images/$OBJECT" 2>/dev/null |
    tr -d '\r' | sed -n 's,^Content-Range: bytes 0-0/,,p') || true
  [ "$here" = "$there" ] ||
    watched "uploading $((here >> 20)) MiB" s3 -T "$PICTURE" "$AWS_ENDPOINT_URL/images/$OBJECT"
}

# job SOURCE OUTPUT: the ImageJob, for the cluster and for this machine alike.
job() {
  cat <<YAML
apiVersion: tessera.dev/v1alpha1
kind: ImageJob
metadata:
  name: $JOB
  # More and shorter shards than the planner would choose, so that all nodes are seen at work.
  annotations: {tessera.dev/shards: "8"}
  # Of the demonstration's user, so that the page has a first job.
  labels: {tessera.dev/owner: "$DEMO_USER"}
spec:
  source: {uri: "$1"}
  operations:
  - grayscale: {}
  - gaussianBlur: {sigma: 1.5}
  - sobel: {scale: 3}
  output: {uri: "$2", cog: {}, ifExists: Replace}
YAML
}

apply() {
  job "s3://images/$OBJECT" "s3://results/$JOB.tif" >"$DEMO/job.yaml"
  kubectl delete imagejob "$JOB" --ignore-not-found --timeout 60s >/dev/null
  sed 's/^/      | /' "$DEMO/job.yaml"
  kubectl apply -f "$DEMO/job.yaml" | sed 's/^/      /'
  follow
}

# Shows each change of the status until the job has finished.
follow() {
  local line last="" tick=0
  while true; do
    line=$(kubectl get imagejob "$JOB" --no-headers -o wide 2>/dev/null | awk '{$1=$1; print}')
    tick=$((tick + 1))
    if [ "$line" != "$last" ] || ((tick % 10 == 0)); then say "      $line"; fi
    last=$line
    [ -z "$(finished)" ] || break
    sleep 1
  done
  [ "$(kubectl get imagejob "$JOB" -o jsonpath='{.status.state}')" = Complete ] || give_reason
  count_pods
}

# On which nodes the job's pods ran.
count_pods() {
  local plan
  plan=$(kubectl get configmaps --selector "tessera.dev/imagejob=$JOB" -o jsonpath='{.items[0].metadata.name}')
  kubectl get events --field-selector reason=Scheduled -o jsonpath='{range .items[*]}{.message}{"\n"}{end}' |
    sed -n "s,.*assigned default/${plan%-plan}-.* to \\(.*\\)$,\\1,p" | sort | uniq -c | awk '{print "      node " $2 " ran " $1 " pods"}'
}

finished() { kubectl get imagejob "$JOB" -o jsonpath='{.status.conditions[?(@.type=="Finished")].status}'; }

give_reason() {
  kubectl describe imagejob "$JOB" >&2
  fail "$(kubectl get imagejob "$JOB" -o jsonpath='{.status.conditions[?(@.type=="Failed")].message}')"
}

fetch() { s3 -o "$DEMO/result.tif" "$AWS_ENDPOINT_URL/results/$JOB.tif"; }

compare() {
  rm -f "$DEMO/one-machine.tif"
  job "file://$PICTURE" "file://$DEMO/one-machine.tif" >"$DEMO/one-machine.yaml"
  watched "tessera run on this machine" "$TARGET/release/tessera" run "$DEMO/one-machine.yaml"
  local cluster machine
  cluster=$(sha256sum <"$DEMO/result.tif" | cut -d ' ' -f 1)
  machine=$(sha256sum <"$DEMO/one-machine.tif" | cut -d ' ' -f 1)
  rm "$DEMO/one-machine.tif"
  [ "$cluster" = "$machine" ] || fail "identical to one machine: NO, sha256 $cluster on the cluster and $machine here"
  say "      identical to one machine: yes, sha256 $cluster"
}

# Reduced pictures, and the same cut-out of both at full size, on one page.
page() {
  local tool=$TARGET/release/tessera-picture before=$PICTURE width height
  read -r width height <<<"$("$tool" size "$PICTURE")"
  if [[ ! $PICTURE =~ \.tiff?$ ]]; then
    before=$DEMO/own.tif
    "$tool" mirror "$PICTURE" "$width" "$height" "$before"
  fi
  "$tool" reduce "$before" 1400 "$DEMO/before.png"
  "$tool" reduce "$DEMO/result.tif" 1400 "$DEMO/after.png"
  local at=("$((width / 3))" "$((height / 3))" 1400 900)
  "$tool" crop "$before" "${at[@]}" "$DEMO/before-detail.png"
  "$tool" crop "$DEMO/result.tif" "${at[@]}" "$DEMO/after-detail.png"
  sed "s/WIDTH/$width/; s/HEIGHT/$height/" "$DEV/demo.html" >"$DEMO/index.html"
}

finish() {
  cat <<TXT

Done in $((SECONDS / 60)) min $((SECONDS % 60)) s.
  the page           $("$DEV/cluster.sh" page)  (upload, preview, convert; the job is in it)
  before and after   $DEMO/index.html  (in a browser)
  the file           $DEMO/result.tif, and s3://results/$JOB.tif in the store
  the job            $DEMO/job.yaml

Go on:
  eval "\$(make -s env)"                  # kubectl, tessera and the store, for this shell
  kubectl describe ij $JOB                # what happened, with the events
  kubectl explain ij.spec.operations      # what can be asked for; docs/operations.md says what each computes
  kubectl get ij,wp                       # all jobs and pools
  IMAGE=path/to/picture.tif make demo     # your own picture
  make cluster-down                       # end the cluster
TXT
}

say "Tessera: a large picture through a real cluster"
step "the cluster" "$DEV/cluster.sh" up
step "programs" build_programs
step "images" env BUILD=no "$DEV/images.sh"
step "install" "$DEV/install.sh"
eval "$("$DEV/cluster.sh" env)"
step "the picture" make_picture
step "upload to s3://images" upload
step "the job" apply
step "the result from s3://results" fetch
step "comparison with one machine" compare
step "before and after" watched "reducing the pictures" page
finish
