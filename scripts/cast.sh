#!/usr/bin/env bash
# Records docs/images/first-minute.svg: a real session, typed by this script.
#
#   scripts/cast.sh            needs bubblewrap; asciinema comes from Debian, svg-term from npm
#
# BOT_BOTTLE_BIN             the program (default: target/release/bot-bottle)
set -euo pipefail

# The script itself, inside the recorded terminal.
session() {
  # say COMMAND…: types it as a person does, and runs it.
  say() {
    printf '\033[1;32m$\033[0m '
    local i
    for ((i = 0; i < ${#1}; i++)); do printf '%s' "${1:i:1}"; sleep 0.025; done
    sleep 0.4
    echo
    eval "$1" || true
    sleep "${2:-1.5}"
    echo
  }
  say 'cat dev.bottle.yaml' 2
  say 'bot-bottle check' 3
  say 'bot-bottle check --fix --unsafe-fixes'
  say 'bot-bottle trust dev.bottle.yaml' 3
  say 'bot-bottle exec dev.bottle.yaml -- curl -sS http://paste.example.com/drop' 3
  say 'bot-bottle logs --denied dev' 3
}

# In the folder that the recording made: it mends what is below it.
if [ "${1:-}" = session ]; then
  session
  exit
fi

cd "$(dirname "$0")/.."
root=$PWD
. scripts/lib.sh
. scripts/bench/lib.sh
debian_packages asciinema bubblewrap curl
svg=$(npm_tool svg-term svg-term-cli)
binary=${BOT_BOTTLE_BIN:-$root/target/release/bot-bottle}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/home/.config/bot-bottle" "$work/bin" "$work/project"
# Without a container engine, whatever else this machine has.
echo 'backend: bubblewrap' >"$work/home/.config/bot-bottle/config.yaml"
ln -s "$(realpath "$binary")" "$work/bin/bot-bottle"
cat >"$work/project/dev.bottle.yaml" <<'BOTTLE'
egress:
  routes:
    - host: api.anthropic.com
      auth: {scheme: Bearer, token_ref: CLAUDE_TOKEN}
      role: claude_code_oauth
    - host: api.github.com
      path_allowlist: [/repos/acme/]
BOTTLE
(
  cd "$work/project"
  # Nobody's credential: no request of this session leaves the machine.
  env -i PATH="$work/bin:$PATH" HOME="$work/home" TERM=xterm-256color LANG=C.UTF-8 \
    CLAUDE_TOKEN="$(printf '%s-' nobodys own)" \
    asciinema rec --quiet --overwrite --cols 110 --rows 34 -c "$root/scripts/cast.sh session" "$work/session.cast"
)
"$svg" --in "$work/session.cast" --out docs/images/first-minute.svg --window --no-cursor
echo "docs/images/first-minute.svg"
