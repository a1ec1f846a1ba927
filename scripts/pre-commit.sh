#!/usr/bin/env bash
# The hooks, by pre-commit itself in a repository of its own: a clean one passes, a mistake and a deleted
# parent fail though nobody touched the files that have them, and the other hook mends.
#
#   scripts/pre-commit.sh PROGRAM    a built bot-bottle
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
program=$(realpath "${1:-target/debug/bot-bottle}")
tool=$(python_tool pre-commit pre-commit==4.7.0) || skip "pre-commit cannot be installed" "pip install pre-commit==4.7.0"
tool=$(realpath "$tool")
root=$PWD
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/bin" "$folder/home" "$folder/hooks" "$folder/repo"
ln -s "$program" "$folder/bin/bot-bottle"
export PATH="$folder/bin:$PATH" HOME="$folder/home" PRE_COMMIT_HOME="$folder/home/cache"
git() { command git -c user.name=Ada -c user.email=ada@example.com -c init.defaultBranch=main "$@"; }

# A repository of the hooks alone: the whole one would be cloned.
cp "$root/.pre-commit-hooks.yaml" "$folder/hooks/"
git -C "$folder/hooks" init -q
git -C "$folder/hooks" add .
git -C "$folder/hooks" commit -qm hooks

cd "$folder/repo"
git init -q
mkdir bottles
printf 'egress:\n  routes:\n    - host: api.github.com\n' >bottles/base.bottle.yaml
printf 'extends: base\n' >bottles/dev.bottle.yaml
git add .
git commit -qm first
passed=0 failed=0
expect() { # expect CODE HOOK WHAT
  local code=0
  "$tool" try-repo "$folder/hooks" "$2" --ref HEAD >"$folder/said" 2>&1 || code=$?
  if [ "$code" = "$1" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "not ok - pre-commit: $3 ended with $code" >&2
    cat "$folder/said" >&2
  fi
}
expect 0 bot-bottle-check "a clean repository"
git rm -q bottles/base.bottle.yaml
expect 1 bot-bottle-check "a deleted parent"
CI=true expect 1 bot-bottle-check "a deleted parent in CI"
git reset -q --hard
printf 'skills: review\n' >>bottles/base.bottle.yaml
git add .
mkdir -p "$HOME/.claude/skills/review"
expect 1 bot-bottle-check "a mistake"
expect 1 bot-bottle-fix "a mistake that is mended" # what a hook changes is to be staged
git add .
expect 0 bot-bottle-check "the mended one"
echo "pre-commit: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
