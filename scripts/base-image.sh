#!/bin/sh
# A base image for tests without a registry of images: `base-image.sh DIR [ENGINE…]` makes a Debian
# root folder in DIR once (debootstrap, then this machine's Node.js and trust store), and imports it
# under the name that Dockerfile.claude and Dockerfile.codex build from.
# The host's own CAs come from this machine at run time; they are never part of the project.
set -eu
dir=$1
shift
[ $# -gt 0 ] || set -- docker
name=node:22-bookworm-slim
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH

if [ ! -f "$dir/base.tar" ]; then
    rm -rf "$dir/root"
    mkdir -p "$dir"
    debootstrap --variant=minbase \
        --include=ca-certificates,curl,git,jq,less,procps,python3-minimal,libpython3-stdlib,ripgrep \
        bookworm "$dir/root" >&2
    cp /etc/apt/sources.list "$dir/root/etc/apt/" 2>/dev/null || true
    cp -r /etc/apt/sources.list.d /etc/apt/apt.conf.d "$dir/root/etc/apt/" 2>/dev/null || true
    cp /usr/local/share/ca-certificates/*.crt "$dir/root/usr/local/share/ca-certificates/" 2>/dev/null || true
    chroot "$dir/root" update-ca-certificates >&2
    chroot "$dir/root" useradd --create-home --uid 1000 --shell /bin/bash node
    cp /usr/bin/node "$dir/root/usr/local/bin/node"
    # Debian's own is linked to libraries, and its npm to modules, that the image has not.
    ldd /usr/bin/node | awk '$3 ~ /^\// { print $3 }' | while read -r library; do
        [ -e "$dir/root$library" ] || cp -L --parents "$library" "$dir/root/"
    done
    if [ -d /usr/share/nodejs ]; then cp -rL /usr/share/nodejs "$dir/root/usr/share/"; fi
    mkdir -p "$dir/root/usr/local/lib/node_modules"
    for lib in /usr/lib/node_modules /usr/share/nodejs; do
        [ -d "$lib/npm" ] && cp -rL "$lib/npm" "$dir/root/usr/local/lib/node_modules/" && break
    done
    npm=/usr/local/lib/node_modules/npm
    if [ -d "$dir/root/usr/share/nodejs/npm" ]; then npm=/usr/share/nodejs/npm; fi
    printf '#!/bin/sh\nexec node %s/bin/npm-cli.js "$@"\n' "$npm" >"$dir/root/usr/local/bin/npm"
    chmod 755 "$dir/root/usr/local/bin/npm"
    cp /etc/npmrc "$dir/root/usr/local/etc/npmrc" 2>/dev/null || true
    printf '\nNODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt\n' >>"$dir/root/etc/environment"
    tar -C "$dir/root" -cf "$dir/base.tar.next" .
    mv "$dir/base.tar.next" "$dir/base.tar"
    rm -rf "$dir/root"
fi
for engine in "$@"; do
    "$engine" image inspect "$name" >/dev/null 2>&1 ||
        "$engine" import --change 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt' \
            "$dir/base.tar" "$name" >/dev/null
done
