#!/usr/bin/env bash
# Installs the Helm chart on the running cluster with the images of `make images` and its S3 server.
# It builds nothing, and may be repeated.
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

eval "$("$DEV/cluster.sh" env)"
[ -e "$IMAGES/images.env" ] || fail "there are no images: make images"
# shellcheck source=/dev/null
. "$IMAGES/images.env"

helm upgrade --install tessera "$ROOT/charts/tessera" --namespace tessera-system --create-namespace --wait --timeout 2m \
  --set "operator.image=$OPERATOR_IMAGE" --set "worker.image=$WORKER_IMAGE" \
  --set "s3.endpoint=$AWS_ENDPOINT_URL" --set "s3.region=$AWS_REGION" \
  --set "s3.accessKeyId=$AWS_ACCESS_KEY_ID" --set "s3.secretAccessKey=$AWS_SECRET_ACCESS_KEY" "$@"
