#!/bin/sh
# The real agents for tests, in the versions that the Dockerfiles pin: `agents.sh DIR`.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
dir=$1
version() { sed -n "s/^ARG $2=//p" "$here/$1"; }
claude=$(version Dockerfile.claude CLAUDE_CODE_VERSION)
codex=$(version Dockerfile.codex CODEX_VERSION)
[ "$(cat "$dir/versions" 2>/dev/null)" = "$claude $codex" ] && exit 0
mkdir -p "$dir"
npm install --prefix "$dir" --no-fund --no-audit --loglevel error \
    "@anthropic-ai/claude-code@$claude" "@openai/codex@$codex" >&2
# The package's own script links the program of this platform; where scripts are off, so do we.
"$dir/node_modules/.bin/claude" --version >/dev/null 2>&1 || node "$dir/node_modules/@anthropic-ai/claude-code/install.cjs" >&2
echo "$claude $codex" >"$dir/versions"
