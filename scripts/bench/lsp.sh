# The language server beside yaml-language-server with our schema; scripts/bench/lsp.py holds the clock.

npm_tool yaml-language-server yaml-language-server >/dev/null
figures=$(python3 scripts/bench/lsp.py --server "$binary" --peer "$bench")
write_table lsp <<TABLE
$figures
$(machine), $(date +%Y-%m-%d).
TABLE
