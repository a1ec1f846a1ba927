# What a launch costs beside the bare runtime: `true` in a bottle, and `true` in the same kind of
# sandbox without one.

debian_packages hyperfine bubblewrap docker.io debootstrap iptables >/dev/null
[ "$(id -u)" -eq 0 ] || { echo "only root can start a Docker daemon for this" >&2; exit 2; }
trap stop_started EXIT
# Debian's own client, which fits its daemon.
PATH=/usr/bin:/bin:/usr/sbin:/sbin:$PATH
DOCKER_HOST=$(scripts/dockerd.sh start "$docker_dir")
export DOCKER_HOST
scripts/base-image.sh target/base docker

home=$bench/launch
rm -rf "$home"
mkdir -p "$home/.bot-bottle/bottles" "$home/work"
chown 1000:1000 "$home/work"
cat >"$home/.bot-bottle/bottles/bench.md" <<'BOTTLE'
---
env: {LOG_LEVEL: debug}
egress:
  routes:
    - host: api.example.com
      path_allowlist: [/]
---
BOTTLE
dockerfile=$PWD/Dockerfile.claude
cd "$home/work"

# ours BACKEND: the command that is measured.
ours() { echo "env HOME=$home XDG_STATE_HOME=$home/state XDG_CONFIG_HOME=$home/config $binary exec bench --backend $1 -- true"; }

image=bot-bottle-claude:$(sha256sum "$dockerfile" | cut -c1-12)
echo "building $image where it is not there" >&2
$(ours docker) >&2
bare_bubblewrap="bwrap --unshare-all --unshare-user --die-with-parent --cap-drop ALL --uid 1000 --gid 1000 \
  --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 \
  --proc /proc --dev /dev --tmpfs /tmp true"
bare_docker="docker run --rm --network none $image true"

hyperfine -N --warmup 3 --runs "${RUNS:-30}" --export-json "$bench/launch.json" \
  -n bare-bubblewrap "$bare_bubblewrap" -n bubblewrap "$(ours bubblewrap)" \
  -n bare-docker "$bare_docker" -n docker "$(ours docker)" >&2

cd "$OLDPWD"
# row NAME TARGET WHAT: one line of the table, medians and the difference of the medians.
row() {
  python3 - "$bench/launch.json" "$@" <<'PYTHON'
import json, sys
file, name, target, what = sys.argv[1:]
median = {r["command"]: r["median"] * 1000 for r in json.load(open(file))["results"]}
bare, ours = median["bare-" + name], median[name]
print(f"| {what} | {bare:.0f} ms | {ours:.0f} ms | **{ours - bare:.0f} ms** | {target} ms |")
PYTHON
}
{
  echo "| \`true\` in | bare | bottle | overhead | target |"
  echo "| --- | --- | --- | --- | --- |"
  row bubblewrap 100 "bubblewrap $(bwrap --version | awk '{ print $2 }')"
  row docker 500 "Docker $(docker version --format '{{.Server.Version}}'), image built"
  echo
  echo "$(machine), $(date +%Y-%m-%d); medians of ${RUNS:-30} runs. Bare is \`bwrap\` with the same namespaces, and \`docker run --rm --network none IMAGE true\`. The bottle is \`bot-bottle exec\`: the manifest checked and planned, an egress with an authority of its own, limits and the system call filter, and all of it taken away again."
} | write_table launch
