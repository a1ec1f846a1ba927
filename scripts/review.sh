#!/usr/bin/env bash
# The review of a change: findings and widened permissions as annotations, permissions as a table. Run by
# action.yml.
#
#   PATHS          what to check, one path or pattern a line (default: .); a single line of several paths
#                  that is none itself is split at blanks
#   BASE           the revision that the change is compared with, from where it began
#   DENY_WIDENING  `true` (default) fails where an agent may do more, `false` shows it
#   HOME_FOLDER    the folder that stands for the home, with the bottles of agents in .bot-bottle
#   BOT_BOTTLE     the binary
set -uo pipefail
bot_bottle=${BOT_BOTTLE:-bot-bottle}
summary=${GITHUB_STEP_SUMMARY:-/dev/null}
fail() {
  # What is said may come from the change: no line of it begins as a command.
  printf '::error title=bot-bottle::%s\n' "$(printf '%s' "$1" | tr '\r\n' '  ')"
  exit 2
}

case "${DENY_WIDENING:-true}" in
  true) deny=(--deny-widening) ;;
  false) deny=() ;;
  *) fail "deny-widening is neither \`true\` nor \`false\`" ;;
esac

# One path a line; a pattern that matches nothing stays, and is told as missing.
paths=()
shopt -s globstar
while IFS= read -r line || [ -n "$line" ]; do
  line="${line%$'\r'}"
  [ -n "${line//[[:space:]]/}" ] || continue
  if [ ! -e "$line" ] && [[ "${PATHS:-}" != *$'\n'* ]] && [[ "$line" == *[[:blank:]]* ]]; then
    read -r -a words <<<"$line"
  else
    words=("$line")
  fi
  for word in "${words[@]}"; do
    # Only blanks split; the shell's own pattern matching still applies.
    mapfile -d '' -t found < <(IFS=; for match in $word; do printf '%s\0' "$match"; done)
    paths+=("${found[@]}")
  done
done <<<"${PATHS:-.}"
[ "${#paths[@]}" -gt 0 ] || paths=(.)

home=()
[ -z "${HOME_FOLDER:-}" ] || home=(--home "$HOME_FOLDER")
base=${BASE:-}
[[ "$base" =~ ^0+$ ]] && base=
if [ -z "$base" ]; then
  "$bot_bottle" check "${home[@]}" -- "${paths[@]}"
  code=$?
  echo "nothing to compare with: the event has no base, and no \`base\` was given" >>"$summary"
  if [ "${#deny[@]}" -gt 0 ]; then
    echo "::error title=bot-bottle::permissions were to be compared, and this event has no base; give the input \`base\`, or \`deny-widening: false\`"
    [ "$code" -gt 1 ] || code=1
  fi
  exit "$code"
fi
exec "$bot_bottle" check --since "$base" --whole "${home[@]}" "${deny[@]}" --summary "$summary" -- "${paths[@]}"
