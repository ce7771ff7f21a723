#!/usr/bin/env bash
# Tests the page in Chromium: `stand-in` its types, build and size, and then over the stand-in server of frontend/ui; `cluster` over
# the installed page, with a photograph and a large image. Screenshots of the latter lie in the cache, for looking at.
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=photograph.sh
. "$DEV/photograph.sh"

UI=$ROOT/frontend/ui
FOLDER=$CACHE/page-test

need() {
  "$DEV/tools.sh" page
  command -v npm >/dev/null || fail "npm is missing: install Node.js 20.19 or newer"
  [ "$UI/node_modules/.package-lock.json" -nt "$UI/package-lock.json" ] ||
    watched "npm ci" npm --prefix "$UI" ci --no-audit --no-fund
}

stand_in() { npm --prefix "$UI" run check 2>&1; }

# A photograph mirrored out, as a tiled TIFF in the bucket: LARGE="40960 24576" makes it a gigapixel.
LARGE=${LARGE:-12288 8192}
large_image() {
  local picture=$FOLDER/large-${LARGE/ /x}.tif
  mkdir -p "$FOLDER"
  photograph
  # shellcheck disable=SC2086 # width and height
  [ -e "$picture" ] || watched "mirroring the photograph" "$TARGET/release/tessera-picture" mirror "$PHOTOGRAPH" $LARGE "$picture"
  watched "uploading it" curl --silent --show-error --fail --aws-sigv4 "aws:amz:$AWS_REGION:s3" -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' \
    --config <(printf 'user = "%s:%s"\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY") -T "$picture" "$AWS_ENDPOINT_URL/images/page-test/large.tif"
}

on_cluster() {
  eval "$("$DEV/cluster.sh" env)"
  large_image
  rm -rf "$FOLDER/screenshots"
  BASE_URL=$("$DEV/cluster.sh" page)
  export BASE_URL PHOTO=$PHOTOGRAPH LARGE_URI=s3://images/page-test/large.tif SCREENSHOTS=$FOLDER/screenshots
  npm --prefix "$UI" run e2e 2>&1
}

need
case ${1:-} in
  stand-in) stand_in ;;
  cluster) on_cluster ;;
  *) fail "usage: page-test.sh stand-in | cluster" ;;
esac
