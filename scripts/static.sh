#!/usr/bin/env bash
# One static program, for CI images and for systems with another libc: it runs alone in an empty root folder.
#
#   scripts/static.sh program FILE   a release build at FILE
#   scripts/static.sh image NAME     an image of it FROM scratch, by docker or podman
#   scripts/static.sh smoke          an unoptimised build, run in an empty root folder (part of test.sh)
#
# musl's where rustup has the target and there is a musl-gcc (Debian: musl-tools); else glibc's, linked in
# whole. On two cores a release build takes 9 min, an unoptimised one 2. In an image FROM scratch there is no
# git, which `--since` and `diff REV:path` ask: copy the program into an image that has one for those.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
  exit 2
}

machine=$(uname -m)
# build PROFILE: builds it; the path is in $built.
build() {
  local target=$machine-unknown-linux-musl
  local -a how=()
  [ "$1" = dev ] || how=(--release)
  if command -v musl-gcc >/dev/null && rustup target add "$target" >&2 2>&1; then
    export "CC_${target//-/_}=musl-gcc"
    cargo build --locked --quiet --target "$target" "${how[@]}" >&2
  else
    echo "static: no musl here; glibc is linked in instead" >&2
    target=$machine-unknown-linux-gnu
    CARGO_TARGET_DIR=target/static RUSTFLAGS="-C target-feature=+crt-static" \
      cargo build --locked --quiet --target "$target" "${how[@]}" >&2
    target=static/$target
  fi
  local folder=debug
  [ "$1" = dev ] || folder=release
  built=target/$target/$folder/bot-bottle
  # rustc may leave the flag out without a word; then the program names its loader.
  if readelf -lW "$built" | grep -q INTERP; then
    echo "static: the program is not static" >&2
    exit 1
  fi
}

case "${1:-}" in
  program)
    [ $# -eq 2 ] || usage
    build release
    install -m 755 "$built" "$2"
    ;;
  image)
    [ $# -eq 2 ] || usage
    engine=
    for name in docker podman; do
      if "$name" info >/dev/null 2>&1; then engine=$name && break; fi
    done
    [ -n "$engine" ] || { echo "static: neither docker nor podman answers" >&2; exit 1; }
    build release
    context=$(mktemp -d)
    trap 'rm -rf "$context"' EXIT
    install -m 755 "$built" "$context/bot-bottle"
    printf '%s\n' 'FROM scratch' 'COPY bot-bottle /bot-bottle' 'WORKDIR /src' 'ENTRYPOINT ["/bot-bottle"]' >"$context/Dockerfile"
    "$engine" build -t "$2" "$context"
    ;;
  smoke)
    build dev
    root=$(mktemp -d)
    trap 'rm -rf "$root"' EXIT
    install -m 755 "$built" "$root/bot-bottle"
    cp -r examples "$root/examples"
    alone() { if [ "$(id -u)" = 0 ]; then chroot "$root" "$@"; else unshare -r chroot "$root" "$@"; fi; }
    alone /bot-bottle check /examples
    printf 'egress:\n  routes:\n    - host: "*"\n' >"$root/examples/wide.bottle.yaml"
    code=0
    alone /bot-bottle check --format json /examples/wide.bottle.yaml >"$root/report" || code=$?
    if [ "$code" != 1 ] || ! grep -q broad-wildcard "$root/report"; then
      echo "static: 0 passed, 1 failed"
      exit 1
    fi
    echo "static: 1 passed, 0 failed"
    ;;
  *) usage ;;
esac
