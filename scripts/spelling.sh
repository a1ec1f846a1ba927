#!/usr/bin/env bash
# Spelling of code, messages and pages; `_typos.toml` lists what looks wrong and is meant.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
typos=$(python_tool typos typos==1.44.0) || skip "typos cannot be installed" "pip install typos==1.44.0"
"$typos" --format brief
echo "spelling: 1 passed, 0 failed"
