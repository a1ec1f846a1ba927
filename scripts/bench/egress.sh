# The egress beside mitmproxy: the same upstream, the same load client, the same header to set.

mitmdump=$(python_tool mitmdump mitmproxy)
load=$(cargo bench --no-run --quiet --bench egress_load --message-format=json |
  python3 -c 'import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message.get("target", {}).get("name") == "egress_load" and message.get("executable"):
        print(message["executable"])')
{
  python3 scripts/bench/egress/run.py "$load" "$mitmdump"
  echo
  echo "$(machine), $(date +%Y-%m-%d). All on loopback; guests speak HTTP/1.1 and the upstream HTTP/2 over TLS. Both proxies end the guest's TLS and set \`Authorization\`; the egress also asks its policy, searches answers for the credential and writes an audit line."
} | write_table egress
