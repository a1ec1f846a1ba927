#!/usr/bin/env bash
# The action and the workflow of docs/ci/github.md, by zizmor in its strictest persona.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
zizmor=$(python_tool zizmor zizmor==1.32.0) || {
  echo "skipped: zizmor cannot be installed; install with: pip install zizmor==1.32.0"
  [ "${BOT_BOTTLE_REQUIRE_ALL:-}" != 1 ]
  exit
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/.github/workflows"
awk '/^```yaml/ { inside = 1; next } /^```/ { inside = 0 } inside' docs/ci/github.md |
  sed "s/<commit>/$(printf '0%.0s' {1..40})/" >"$folder/.github/workflows/bottles.yml"
cp action.yml "$folder/"
"$zizmor" --offline --no-progress --persona auditor "$folder/action.yml" "$folder/.github/workflows/bottles.yml"
echo "workflows: 1 passed, 0 failed"
