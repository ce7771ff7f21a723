# Writes images without any image tool: an archive of one or two layers that containerd and Docker load.
# It may not run, load or remove an image.
# shellcheck shell=bash

# reproducible tar: the same files give the same bytes, so the same layer.
layer() { tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$1" -cf "$2" .; }

digest() { sha256sum "$1" | cut -d ' ' -f 1; }

# image ARCHIVE NAME USER COMMAND LAYER...
image() {
  local archive=$1 name=$2 user=$3 command=$4 folder layer ids=() files=()
  shift 4
  folder=$(mktemp -d "$archive.XXXXXX")
  for layer; do
    ids+=("\"sha256:$(digest "$layer")\"")
    files+=("\"$(basename "$layer")\"")
    ln "$layer" "$folder/"
  done
  image_config "$user" "$command" "$(join_words "${ids[@]}")" >"$folder/config.json"
  printf '[{"Config":"config.json","RepoTags":["%s"],"Layers":[%s]}]' "$name" "$(join_words "${files[@]}")" >"$folder/manifest.json"
  tar -C "$folder" -cf "$archive.new" .
  rm -r "$folder"
  mv "$archive.new" "$archive"
}

join_words() { local IFS=,; echo "$*"; }

# image_config USER COMMAND LAYER-IDS
image_config() {
  local architecture
  architecture=$(dpkg --print-architecture)
  printf '{"architecture":"%s","os":"linux","created":"1970-01-01T00:00:00Z",' "$architecture"
  printf '"config":{"User":"%s","WorkingDir":"/","Entrypoint":["%s"],' "$1" "$2"
  printf '"Env":["PATH=/usr/local/bin:/usr/bin:/bin","SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"]},'
  printf '"rootfs":{"type":"layers","diff_ids":[%s]}}' "$3"
}
