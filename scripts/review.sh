#!/usr/bin/env bash
# The review of a change: findings as annotations, permissions as a table. Run by action.yml.
#
#   PATHS          what to check, separated by spaces (default: .)
#   BASE           the revision before the change; without it only the check runs
#   DENY_WIDENING  `true` fails where an agent may do more
#   BOT_BOTTLE     the binary
set -uo pipefail
bot_bottle=${BOT_BOTTLE:-bot-bottle}
read -r -a paths <<<"${PATHS:-.}"
summary=${GITHUB_STEP_SUMMARY:-/dev/stdout}

"$bot_bottle" check "${paths[@]}"
code=$?

if [ -n "${BASE:-}" ]; then
  # `diff` compares one tree with another; the table is for the pull request.
  args=(--format markdown)
  [ "${DENY_WIDENING:-true}" = true ] && args+=(--deny-widening)
  for path in "${paths[@]}"; do
    "$bot_bottle" diff "${args[@]}" "$BASE:./$path" "$path" >>"$summary"
    diff_code=$?
    if [ "$diff_code" -eq 1 ]; then
      echo "::error::this change lets an agent do more than before; see the table in the summary"
    fi
    [ "$diff_code" -le "$code" ] || code=$diff_code
  done
fi
exit "$code"
