#!/bin/sh
# A Docker daemon of its own for tests: `dockerd.sh start DIR [OPTIONS OF dockerd]` prints its
# DOCKER_HOST, `stop DIR` ends it.
# Needs root and Debian's docker.io; touches nothing outside DIR but the kernel's network and groups.
set -eu
action=$1
dir=$2
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH

case $action in
start)
    shift 2
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    # A Unix socket's path holds 107 bytes.
    socket=/tmp/bot-bottle-docker-$(printf %s "$dir" | cksum | cut -d' ' -f1).sock
    number=$(printf %s "$dir" | cksum | cut -d' ' -f1)
    bridge=bb$number
    if ! docker -H "unix://$socket" info >/dev/null 2>&1; then
        rm -f "$dir/pid" "$socket"
        # A bridge of its own: docker0 is the machine's, and another daemon may remove it.
        if command -v ip >/dev/null; then
            ip link show "$bridge" >/dev/null 2>&1 || ip link add "$bridge" type bridge
            ip address replace "172.$((20 + number % 12)).$((number / 12 % 256)).1/24" dev "$bridge"
            ip link set "$bridge" up
            echo "$bridge" >"$dir/bridge"
            set -- --bridge "$bridge" "$@"
        fi
        setsid dockerd --data-root "$dir/root" --exec-root "$dir/exec" --pidfile "$dir/pid" \
            --host "unix://$socket" "$@" >"$dir/log" 2>&1 </dev/null &
        tries=0
        until docker -H "unix://$socket" info >/dev/null 2>&1; do
            tries=$((tries + 1))
            if [ "$tries" -gt 300 ]; then
                tail -5 "$dir/log" >&2
                exit 1
            fi
            sleep 0.1
        done
    fi
    echo "unix://$socket"
    ;;
stop)
    if [ -f "$dir/bridge" ]; then
        trap 'ip link delete "$(cat "$dir/bridge")" 2>/dev/null || true; rm -f "$dir/bridge"' EXIT
    fi
    [ -f "$dir/pid" ] || exit 0
    pid=$(cat "$dir/pid")
    kill "$pid" 2>/dev/null || exit 0
    tries=0
    while kill -0 "$pid" 2>/dev/null && [ "$tries" -lt 100 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    ;;
*)
    echo "usage: dockerd.sh start|stop DIR" >&2
    exit 2
    ;;
esac
