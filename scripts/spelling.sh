#!/usr/bin/env bash
# Spelling of code, messages and pages; `_typos.toml` lists what looks wrong and is meant.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
typos=$(python_tool typos typos==1.44.0) || {
  echo "skipped: typos cannot be installed; install with: pip install typos==1.44.0"
  [ "${BOT_BOTTLE_REQUIRE_ALL:-}" != 1 ]
  exit
}
"$typos" --format brief
echo "spelling: 1 passed, 0 failed"
