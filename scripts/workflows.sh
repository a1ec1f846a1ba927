#!/usr/bin/env bash
# The action, our own workflow and that of docs/ci/github.md, by zizmor in its strictest persona and by
# actionlint where Go is there.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
zizmor=$(python_tool zizmor zizmor==1.32.0) || skip "zizmor cannot be installed" "pip install zizmor==1.32.0"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/.github/workflows"
awk '/^```yaml/ { inside = 1; next } /^```/ { inside = 0 } inside' docs/ci/github.md |
  sed "s/<commit>/$(printf '0%.0s' {1..40})/" >"$folder/.github/workflows/bottles.yml"
cp action.yml "$folder/"
cp .github/workflows/*.yml "$folder/.github/workflows/"
"$zizmor" --offline --no-progress --persona auditor "$folder/action.yml" "$folder/.github/workflows"
count=1
if command -v go >/dev/null; then
  if GOBIN=$PWD/target/tools/actionlint go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12; then
    target/tools/actionlint/actionlint -shellcheck= -pyflakes= "$folder"/.github/workflows/*.yml
    count=2
  else
    echo "skipped: actionlint cannot be installed"
  fi
fi
echo "workflows: $count passed, 0 failed"
