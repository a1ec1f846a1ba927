#!/usr/bin/env bash
# Emacs from the cache folder, told where everything of it is: it is built to be in /usr.
set -euo pipefail
root=$BOT_BOTTLE_EDITORS_CACHE/emacs
library=$(echo "$root"/usr/libexec/emacs/*/*-linux-gnu*)
share=$(echo "$root"/usr/share/emacs/[0-9]*)
packages=$(find "$root"/usr/share/emacs/site-lisp/elpa-src -mindepth 1 -maxdepth 1 -type d -printf '%p:')
lisp=$(find "$share/lisp" -type d -printf '%p:')
export LD_LIBRARY_PATH=${root}/usr/lib/$(basename "$library")
export EMACSLOADPATH=$packages$lisp EMACSDATA=$share/etc EMACSPATH=$library
exec "$root/usr/bin/emacs-nox" --dump-file="$library/emacs.pdmp" -q --batch "$@"
