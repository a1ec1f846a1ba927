# `check` beside generic schema validators, which know the form of a manifest and none of its rules.

debian_packages hyperfine time >/dev/null
ajv=$(npm_tool ajv ajv-cli@5 js-yaml)
jsonschema=$(python_tool check-jsonschema check-jsonschema)

# generate COUNT FOLDER: bottles of 25 lines, no two alike.
generate() {
  [ -d "$2" ] && return
  mkdir -p "$2"
  awk -v count="$1" -v folder="$2" 'BEGIN {
    for (i = 0; i < count; i++) {
      # A thousand files a folder, as large trees have them.
      sub_folder = sprintf("%s/%03d", folder, i / 1000)
      if (i % 1000 == 0) system("mkdir -p " sub_folder)
      file = sprintf("%s/m%06d.bottle.yaml", sub_folder, i)
      printf "# manifest %d\nagent_provider:\n  template: claude\n  auth_token: BOT_BOTTLE_CLAUDE_OAUTH_TOKEN\nenv:\n  LOG_LEVEL: debug\n  REGION: \"${AWS_REGION}\"\n  TICKET: \"?which ticket\"\ngit:\n  user:\n    name: Ada\n    email: ada%d@example.com\negress:\n  routes:\n    - host: api.github.com\n      auth: {scheme: Bearer, token_ref: GITHUB_TOKEN}\n      path_allowlist: [/repos/acme/%d/]\n    - host: \"*.packages.example.com\"\n      matches:\n        - paths: [{type: prefix, value: /}]\n          methods: [GET, HEAD]\nworkspace:\n  path: .\n  mode: bind\nresources: {cpus: 2, memory: 4GiB, pids: 512}\n", i, i, i > file
      close(file)
    }
  }'
}

generate 1 "$bench/check-1"
generate 1000 "$bench/check-1000"
generate 100000 "$bench/check-100000"

# median COMMAND: milliseconds, measured with hyperfine.
median() {
  hyperfine -N --warmup 2 --export-json "$bench/hyperfine.json" "$1" >&2
  python3 -c 'import json, sys; print("%.1f" % (json.load(open(sys.argv[1]))["results"][0]["median"] * 1000))' "$bench/hyperfine.json"
}

# memory COMMAND…: the most that was resident, in MiB.
memory() {
  /usr/bin/time -f %M "$@" 2>&1 >/dev/null | tail -1 | awk '{ printf "%.1f", $1 / 1024 }'
}

schema=$PWD/schema/bottle.schema.json
thousand=$(find "$bench/check-1000" -name '*.yaml' | sort)
start=$(median "$binary --version")
one=$(median "$binary check $bench/check-1")
ours=$(median "$binary check $bench/check-1000")
many=$(median "$binary check $bench/check-100000")
theirs_ajv=$(median "$ajv validate --spec=draft2020 --strict=false -s $schema -d $bench/check-1000/**/*.yaml")
theirs_jsonschema=$(median "$jsonschema --schemafile $schema $(echo "$thousand" | tr '\n' ' ')")
memory_1000=$(memory "$binary" check "$bench/check-1000")
memory_many=$(memory "$binary" check "$bench/check-100000")

times() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f ×", a / b }'; }

write_table check <<TABLE
| what | bot-bottle | ajv-cli $(node -p "require('$bench/node_modules/ajv-cli/package.json').version") | check-jsonschema $("$jsonschema" --version | awk '{ print $NF }') |
| --- | --- | --- | --- |
| 1,000 manifests of 25 lines | **$ours ms** | $theirs_ajv ms ($(times "$theirs_ajv" "$ours")) | $theirs_jsonschema ms ($(times "$theirs_jsonschema" "$ours")) |
| one manifest, start and end of the process included | $one ms | | |
| start and end of the process alone | $start ms | | |
| 100,000 manifests | $many ms | | |
| most memory at 1,000 / 100,000 manifests | $memory_1000 / $memory_many MiB | | |

$(machine), $(date +%Y-%m-%d). The peers check the form alone (JSON Schema 2020-12, the same schema); bot-bottle also runs $("$binary" explain | wc -l) rules.
TABLE
