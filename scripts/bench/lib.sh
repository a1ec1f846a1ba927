# Shared by the benchmark's parts.

bench=$PWD/target/bench
binary=$PWD/target/release/bot-bottle

# npm_tool COMMAND PACKAGE…: the path of a command from npm, installed below target/bench/.
npm_tool() {
  local command=$1
  shift
  [ -x "$bench/node_modules/.bin/$command" ] ||
    npm install --silent --no-fund --no-audit --prefix "$bench" "$@" >&2 || return 1
  echo "$bench/node_modules/.bin/$command"
}

# machine: what the figures were measured on.
machine() {
  local cpu memory
  cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
  memory=$(awk '/MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)
  echo "$(nproc) cores (${cpu:-unknown}), $memory, Linux $(uname -r | cut -d- -f1)"
}

# write_table NAME < TABLE: puts a table between the markers of docs/benchmarks.md.
write_table() {
  local name=$1 page=docs/benchmarks.md table
  table=$(mktemp)
  cat >"$table"
  grep -q "<!-- begin $name -->" "$page" || printf '\n<!-- begin %s -->\n<!-- end %s -->\n' "$name" "$name" >>"$page"
  awk -v name="$name" -v table="$table" '
    $0 == "<!-- begin " name " -->" { print; while ((getline line < table) > 0) print line; skip = 1 }
    $0 == "<!-- end " name " -->" { skip = 0 }
    !skip' "$page" >"$page.new"
  mv "$page.new" "$page"
  rm -f "$table"
}
