#!/usr/bin/env bash
# Measures bot-bottle beside its peers and writes the tables of docs/benchmarks.md.
#
#   scripts/bench.sh check|lsp|egress|launch     one part
#   scripts/bench.sh all                         every part that is there
#
# Peers are installed below target/bench/. Each part is a file in scripts/bench/.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
. scripts/bench/lib.sh

parts=(check lsp egress launch)
part=${1:-all}
case " ${parts[*]} all " in *" $part "*) ;; *) echo "usage: scripts/bench.sh [${parts[*]} all]" >&2; exit 2 ;; esac

mkdir -p "$bench"
cargo build --release --quiet
for name in "${parts[@]}"; do
  [ "$part" = all ] || [ "$part" = "$name" ] || continue
  if [ ! -f "scripts/bench/$name.sh" ]; then
    [ "$part" = all ] && continue
    echo "there is no scripts/bench/$name.sh" >&2
    exit 2
  fi
  echo "── $name"
  (. "scripts/bench/$name.sh")
done
