#!/usr/bin/env bash
# python.sh FOLDER: prints the Python of an environment in the cache that has what FOLDER/requirements.txt pins.
# It is made once for each state of that file. It writes nowhere else.
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

environment() {
  local folder=$1 place
  command -v python3 >/dev/null || fail "Python is missing: install Python 3.11 or newer with its venv module"
  place=$CACHE/python/$(python3 -V | cat - "$folder/requirements.txt" | sha256sum | cut -c 1-16)
  if [ ! -d "$place" ]; then
    rm -rf "$place.new"
    mkdir -p "$CACHE/python"
    watched "Python environment of ${folder##*/}" make_environment "$place.new" "$folder/requirements.txt" >&2
    mv -T "$place.new" "$place"
  fi
  printf '%s\n' "$place/bin/python3"
}

make_environment() { python3 -m venv "$1" && "$1/bin/python3" -m pip install --quiet -r "$2"; }

environment "$1"
