#!/usr/bin/env bash
# The walls of bubblewrap bottles once more where an ordinary user launches: links and mounts, swaps, kept
# homes, inherited descriptors, process 1 and what outlives it. Needs root, to become that user; 15 s once the tests are built.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
if [ "$(id -u)" -ne 0 ] || ! command -v setpriv >/dev/null; then
  skip "only root can become another user" "apt-get install util-linux, and run as root"
fi
built=$(cargo test --locked --test engine --no-run 2>&1 | sed -n 's/.*(\(.*\/engine-[0-9a-f]*\))$/\1/p')
# Where that user may read: the tests start themselves again as a launcher.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/tmp"
cp "$built" "$folder/engine"
chown -R nobody "$folder"
chmod 755 "$folder" "$folder/engine"
cd "$folder"
setpriv --reuid nobody --regid nogroup --clear-groups env -i HOME="$folder" TMPDIR="$folder/tmp" \
  BOT_BOTTLE_REQUIRE_ALL="${BOT_BOTTLE_REQUIRE_ALL:-}" PATH=/usr/bin:/bin \
  ./engine mounts:: swaps:: kept:: left_open process_one outlives set_group set_user --skip docker --skip podman
