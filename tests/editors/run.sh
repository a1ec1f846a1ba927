#!/usr/bin/env bash
# Tests the editor clients and the language server in real editors, without a screen.
#
#   tests/editors/run.sh [protocol|neovim|vscode|emacs|all]
#   tests/editors/run.sh screenshots FOLDER      pictures of VS Code, for the documentation
#
# BOT_BOTTLE_BIN            the program under test (default: target/release/bot-bottle)
# BOT_BOTTLE_REQUIRE_ALL=1  a missing tool is a failure, not a skip
# BOT_BOTTLE_NVIM           another Neovim to test with, 0.10 or later
# BOT_BOTTLE_EDITORS_CACHE  where the editors are kept (default: target/editors)
#
# Every editor runs in a network namespace that has only loopback, with a home folder of its own. What editor and
# server said stays in target/editors/recordings and is checked against the protocol's types.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
export BOT_BOTTLE_EDITORS_CACHE=${BOT_BOTTLE_EDITORS_CACHE:-$root/target/editors}
export BOT_BOTTLE_BIN=${BOT_BOTTLE_BIN:-$root/target/release/bot-bottle}
cache=$BOT_BOTTLE_EDITORS_CACHE
recordings=$cache/recordings
passed=0 failed=0 skipped=0

mkdir -p "$cache"
# Short, for the sockets that browsers put below it.
work=$(mktemp -d /tmp/editors.XXXXXX)
trap 'rm -rf "$work"' EXIT

skip() {
  if [[ ${BOT_BOTTLE_REQUIRE_ALL:-} == 1 ]]; then
    echo "not ok - $1"
    failed=$((failed + 1))
  else
    echo "skipped: $1"
    skipped=$((skipped + 1))
  fi
}

# Runs one test program, shows what it says and counts its `ok` and `not ok` lines.
count() {
  local name=$1 status=0 output="$work/output" ok bad && shift
  "$@" >"$output" 2>"$output.err" || status=$?
  cat "$output"
  ((status == 0)) || (cat "$output.err" && echo)
  ok=$(grep -c '^ok - ' "$output" || true)
  bad=$(grep -c '^not ok - ' "$output" || true)
  if ((bad == 0 && (status != 0 || ok == 0))); then
    echo "not ok - $name: ended with $status after $ok tests"
    bad=1
  fi
  passed=$((passed + ok)) failed=$((failed + bad))
}

# The command alone with loopback; whatever it starts ends with it.
isolated() {
  local as_root=()
  ((EUID == 0)) || as_root=(--map-root-user)
  timeout --kill-after=10 "${BOT_BOTTLE_TEST_TIMEOUT:-240}" \
    unshare "${as_root[@]}" --net --pid --mount-proc --fork --kill-child python3 "$here/loopback.py" "$@"
}

# A fresh home and workspace, and an environment that knows no other. The credentials are nobody's.
stage() {
  local to="$work/$1" && shift
  mkdir -p "$to/tmp"
  cp -r "$here/fixtures/home" "$here/fixtures/workspace" "$to/"
  local secret
  secret=$(printf '%s-' not a real one)
  isolated env -i HOME="$to/home" TMPDIR="$to/tmp" PATH="$PATH" LANG=C.UTF-8 TERM=dumb \
    BOT_BOTTLE_BIN="$BOT_BOTTLE_BIN" BOT_BOTTLE_EDITORS_CACHE="$cache" BOT_BOTTLE_LSP_LOG="$recording" \
    BOT_BOTTLE_CLAUDE_OAUTH_TOKEN="$secret" ISSUES_TOKEN="$secret" \
    TEST_ROOT="$root" TEST_WORKSPACE="$to/workspace" "$@"
}

# What was recorded is held against the protocol.
check_recording() {
  local output="$work/check"
  if "$cache/venv/bin/python" "$here/check_recording.py" "$1" >"$output" 2>&1; then
    echo "ok - $2: $(tail -n 1 "$output" | sed 's/^[^ ]* //')"
    passed=$((passed + 1))
  else
    cat "$output"
    echo "not ok - $2: the conversation breaks the protocol"
    failed=$((failed + 1))
  fi
}

record_to() {
  recording="$recordings/$1.jsonl"
  rm -f "$recording"
}

# The check of recordings sees what it shall see.
protocol() {
  count protocol "$cache/venv/bin/python" "$here/check_recording_test.py"
}

neovim() {
  local script name
  for script in "$here"/neovim/test_*.lua; do
    name=$(basename "$script" .lua)
    name=neovim-${name#test_}
    record_to "$name"
    count "$name" stage "$name" "${BOT_BOTTLE_NVIM:-$cache/venv/bin/nvim}" --clean --headless -l "$script"
    check_recording "$recording" "$name: protocol"
  done
}

emacs() {
  record_to emacs
  count emacs stage emacs "$here/emacs/emacs.sh" --load "$here/emacs/test.el"
  check_recording "$recording" "emacs: protocol"
}

# Packs the extension, with the program if one is given; the path is in $vsix.
pack() {
  PATH="$cache/node/bin:$PATH"
  vsix=$(OUT_DIR="$work" "$root/editors/vscode/package.sh" "linux-$(node -p process.arch)" "$@" 2>"$work/vsce.log") && return
  cat "$work/vsce.log"
  echo "not ok - vscode: the extension cannot be packed"
  failed=$((failed + 1))
  return 1
}

vscode() {
  pack || return 0
  record_to vscode-missing
  count vscode-missing stage vscode-missing node "$here/vscode/missing.mjs" "$vsix"
  pack "$BOT_BOTTLE_BIN" || return 0
  count vscode-grammar node "$here/vscode/grammar.mjs"
  local suite
  for suite in suite restricted; do
    record_to "vscode-$suite"
    count "vscode-$suite" stage "vscode-$suite" node "$here/vscode/run.mjs" "$vsix" "$suite.js"
    check_recording "$recording" "vscode-$suite: protocol"
  done
  launches || return 0
  record_to vscode-launch
  count vscode-launch stage vscode-launch node "$here/vscode/launch.mjs" "$vsix"
  check_recording "$recording" "vscode-launch: protocol"
}

# Whether a bottle can be launched here.
launches() {
  local tool
  for tool in bwrap:bubblewrap curl:curl openssl:openssl; do
    command -v "${tool%:*}" >/dev/null && continue
    skip "vscode-launch: ${tool%:*} is missing; install with: apt-get install ${tool#*:}"
    return 1
  done
}

screenshots() {
  pack "$BOT_BOTTLE_BIN" || return 0
  record_to screenshots
  count screenshots stage screenshots node "$here/vscode/screenshots.mjs" "$vsix" "$pictures"
  launches || return 0
  record_to screenshots-launch
  count screenshots-launch stage screenshots-launch node "$here/vscode/launch.mjs" "$vsix" "$pictures"
}

run() {
  local reason status=0
  local tools=$1
  [[ $1 != screenshots ]] || tools=vscode
  [[ $1 != protocol ]] || tools=check
  reason=$("$here/install.sh" "$tools") && reason=$("$here/install.sh" check) || status=$?
  if ((status == 3)); then
    skip "$1: $reason"
  elif ((status != 0)); then
    echo "not ok - $1: the installation ended with $status"
    failed=$((failed + 1))
  else
    "$1"
  fi
}

case "${1:-all}" in
  protocol | neovim | vscode | emacs) wanted=("$1") ;;
  all) wanted=(protocol neovim vscode emacs) ;;
  screenshots)
    wanted=(screenshots)
    pictures=$(realpath "${2:?the folder for the pictures}")
    ;;
  *)
    echo "usage: $0 [protocol|neovim|vscode|emacs|all|screenshots FOLDER]" >&2
    exit 2
    ;;
esac

mkdir -p "$recordings"
if [[ ! -x $BOT_BOTTLE_BIN ]]; then
  skip "$BOT_BOTTLE_BIN is not there; install with: cargo build --release"
elif ! isolated true 2>/dev/null; then
  skip "no network namespace can be made; install with: apt-get install util-linux, and allow user namespaces"
else
  for editor in "${wanted[@]}"; do
    run "$editor"
  done
fi

echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
