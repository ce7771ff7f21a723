# Brings a photograph for the demo and the trial: from a Debian package that is unpacked, not installed, into the cache.
# shellcheck shell=bash
PHOTOGRAPH=$CACHE/photographs/seeding_by_Clements_Engelhardt.jpg # CC0, 5312 x 2988
PHOTOGRAPH_PACKAGE=lomiri-wallpapers-16.04                       # of Debian and Ubuntu

photograph() {
  [ -e "$PHOTOGRAPH" ] && return
  { command -v apt-get && command -v dpkg-deb; } >/dev/null ||
    fail "the photograph comes from a Debian package: take one of yours, IMAGE=path"
  mkdir -p "$CACHE"
  watched "downloading $PHOTOGRAPH_PACKAGE" unpack_photograph
}

unpack_photograph() {
  local work
  work=$(mktemp -d "$CACHE/photographs.XXXXXX")
  (cd "$work" && { apt-get download -q "$PHOTOGRAPH_PACKAGE" || { apt-get update -q && apt-get download -q "$PHOTOGRAPH_PACKAGE"; }; } &&
    dpkg-deb -x ./*.deb .) || return
  mkdir -p "$(dirname "$PHOTOGRAPH")"
  find "$work" -name "$(basename "$PHOTOGRAPH")" -exec mv -T {} "$PHOTOGRAPH" \; -quit
  rm -rf "$work"
  [ -e "$PHOTOGRAPH" ]
}
