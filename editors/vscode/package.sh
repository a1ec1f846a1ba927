#!/usr/bin/env bash
# Packs the extension for one platform, with the program inside when it is given.
#
#   editors/vscode/package.sh TARGET [BINARY]
#
# TARGET is linux-x64, linux-arm64, darwin-x64, darwin-arm64 or win32-x64; BINARY must be built for it.
# Without BINARY the extension looks for `bot-bottle` on PATH.
# Writes bot-bottle-TARGET-VERSION.vsix into $OUT_DIR (default: this folder) and prints its path.
set -euo pipefail

targets="linux-x64 linux-arm64 darwin-x64 darwin-arm64 win32-x64"
target=${1:-}
if [[ -z $target || " $targets " != *" $target "* ]]; then
  echo "usage: package.sh TARGET [BINARY], TARGET one of: $targets" >&2
  exit 2
fi
binary=${2:+$(realpath "$2")}
out_dir=$(realpath "${OUT_DIR:-$(dirname "$0")}")
cd "$(dirname "$0")"

[[ -d node_modules ]] || npm ci --ignore-scripts >&2

# What is put together here goes away afterwards, so that no binary of another platform is packed next time.
trap 'rm -rf bin LICENSE-MIT LICENSE-APACHE' EXIT
rm -rf bin
cp ../../LICENSE-MIT ../../LICENSE-APACHE .
if [[ -n $binary ]]; then
  suffix=""
  [[ $target == win32-* ]] && suffix=.exe
  install -D -m 755 "$binary" "bin/bot-bottle$suffix"
fi

version=$(node -p 'require("./package.json").version')
vsix="$out_dir/bot-bottle-$target-$version.vsix"
npx --no-install vsce package --no-dependencies --skip-license --allow-missing-repository --target "$target" --out "$vsix" >&2
echo "$vsix"
