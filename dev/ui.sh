# Builds the page with npm, once for each state of its sources; what was built stays in the cache.
# It may not serve or change anything.
# shellcheck shell=bash

UI=$ROOT/frontend/ui

# Names the sources: those that git knows or would take, so neither what is installed nor what is built.
ui_key() {
  local files
  files=$(git -C "$UI" ls-files --cached --others --exclude-standard -- . | sort -u)
  (cd "$UI" && while read -r file; do [ ! -f "$file" ] || sha256sum "$file"; done <<<"$files") | sha256sum | cut -c 1-12
}

# Prints the folder of the built page; an empty one where there is no npm, for which the server has a page that says so.
ui_folder() {
  local folder
  folder=$CACHE/ui/none
  if ! command -v npm >/dev/null || [ ! -e "$UI/package-lock.json" ]; then
    say "      the page is not built: install Node.js 22 or newer with npm, and repeat this" >&2
    mkdir -p "$folder"
  else
    folder=$CACHE/ui/$(ui_key)
    [ -d "$folder" ] || build_ui "$folder" >&2
  fi
  echo "$folder"
}

# build_ui FOLDER
build_ui() {
  watched "npm ci" npm --prefix "$UI" ci --no-audit --no-fund
  watched "npm run build" npm --prefix "$UI" run build
  mkdir -p "$CACHE/ui"
  rm -rf "$1.new"
  cp -r "$UI/dist" "$1.new"
  mv -T "$1.new" "$1"
}
