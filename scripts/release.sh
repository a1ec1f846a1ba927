#!/usr/bin/env bash
# The steps of a release. Nothing here pushes or publishes: look at the result, then do that by hand.
#
#   scripts/release.sh prepare VERSION   sets the version, heads the changelog's section, commits and tags
#   scripts/release.sh build FOLDER      from a tagged commit: the static program in an archive, with checksums
#
# `prepare` takes seconds, `build` the 9 min of scripts/static.sh. Run scripts/test.sh before both.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
  exit 2
}
fail() {
  echo "release: $1" >&2
  exit 1
}
clean() { [ -z "$(git status --porcelain)" ] || fail "the working tree has changes; commit or stash them"; }

case "${1:-}" in
  prepare)
    [ $# -eq 2 ] || usage
    version=$2
    [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "$version is not MAJOR.MINOR.PATCH"
    clean
    ! git rev-parse -q --verify "refs/tags/v$version" >/dev/null || fail "the tag v$version is there already"
    awk '/^## / { inside = $2 == "Unreleased"; next } inside && /^- / { found = 1 } END { exit !found }' CHANGELOG.md ||
      fail "CHANGELOG.md has nothing below «Unreleased»"
    sed -i "0,/^version = /s/^version = .*/version = \"$version\"/" Cargo.toml
    sed -i "0,/\"version\": /s/\"version\": \"[^\"]*\"/\"version\": \"$version\"/" editors/vscode/package.json
    sed -i "s/^## Unreleased$/## Unreleased\n\n## $version - $(date -u +%F)/" CHANGELOG.md
    # The lock file names the version too.
    cargo update --workspace --offline --quiet
    git commit --quiet --all --message "release: $version"
    git tag --annotate --message "bot-bottle $version" "v$version"
    git show --stat --oneline "v$version"
    ;;
  build)
    [ $# -eq 2 ] || usage
    clean
    tag=$(git describe --exact-match --tags --match 'v*' 2>/dev/null) || fail "this commit has no tag; run prepare first"
    name=bot-bottle-${tag#v}-$(uname -m)-linux
    folder=$(realpath -m "$2")
    mkdir -p "$folder/$name"
    scripts/static.sh program "$folder/$name/bot-bottle"
    cp README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE "$folder/$name/"
    for shell in bash zsh fish; do "$folder/$name/bot-bottle" completions "$shell" >"$folder/$name/bot-bottle.$shell"; done
    # The same bytes from the same commit: sorted, of nobody, of the commit's time.
    tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(git log -1 --format=%ct)" \
      -C "$folder" -cf - "$name" | gzip -n >"$folder/$name.tar.gz"
    (cd "$folder" && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")
    cat "$folder/$name.tar.gz.sha256"
    ;;
  *) usage ;;
esac
