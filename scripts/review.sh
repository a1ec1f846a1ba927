#!/usr/bin/env bash
# The review of a change: findings and widened permissions as annotations, permissions as a table. Run by
# action.yml.
#
#   PATHS          what to check, one path or pattern a line (default: .); a single line of several paths
#                  that is none itself is split at blanks
#   BASE           the revision that the change is compared with, from where it began
#   CHANGE         the head of a pull request, where the event says what it began at: see below
#   DENY_WIDENING  `true` (default) fails where an agent may do more, `false` shows it
#   APPROVED       the file with the widenings that were let through
#   BASELINE       the baseline's file; the base's own where there is a base
#   SEVERITY       the mildest severity that counts (default: warning)
#   HOME_FOLDER    the folder that stands for the home, with the bottles of agents in .bot-bottle
#   COMMENT        a pull request's number: the table becomes a comment on it, by `gh`, which needs GH_TOKEN
#   BOT_BOTTLE     the binary
#
# Into GITHUB_OUTPUT go `findings`, `errors` and `widened` (numbers), and `json` and `sarif` (reports).
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

base=${BASE:-}
[[ "$base" =~ ^0+$ ]] && base=
# GitHub tries a pull request merged into its base as that is now, and its event names the base as it was at the
# last push: what others merged since is not this change's. The merge is the event's own, never the change's.
parent() { git -c safe.bareRepository=explicit --no-replace-objects rev-parse --verify --quiet "HEAD${1:-}"; }
if [ -n "${CHANGE:-}" ] && [ "$(parent)" = "${GITHUB_SHA:-}" ] && [ "$(parent ^2)" = "$CHANGE" ]; then
  base=$(parent ^1)
fi

args=()
[ -z "${HOME_FOLDER:-}" ] || args+=(--home "$HOME_FOLDER")
[ -z "${SEVERITY:-}" ] || args+=(--severity "$SEVERITY")
if [ -n "${BASELINE:-}" ]; then
  # A change does not write its own judge.
  if [ -n "$base" ]; then args+=(--baseline "$base:./$BASELINE"); else args+=(--baseline "$BASELINE"); fi
fi
# Without a base the run fails below, where widening was to be denied.
if [ -n "$base" ]; then
  args+=(--since "$base" --whole ${deny[@]+"${deny[@]}"})
  [ "${#deny[@]}" -eq 0 ] || [ -z "${APPROVED:-}" ] || args+=(--approved "$APPROVED")
fi

# The same as reports, and in numbers; whether it fails is told below.
reports=$(mktemp -d "${RUNNER_TEMP:-/tmp}/bot-bottle.XXXXXX")
for format in json sarif; do
  "$bot_bottle" check "${args[@]}" --format "$format" --output "$reports/bot-bottle.$format" -- "${paths[@]}" \
    >/dev/null 2>&1 || true
done
number() { # number KEY: of the summary, which ends the report
  tail -n 1 "$reports/bot-bottle.json" 2>/dev/null | grep -o "\"$1\":[0-9]*" | tail -n 1 | grep -o '[0-9]*$' || echo 0
}
{
  echo "findings=$(number findings)"
  echo "errors=$(number error)"
  echo "widened=$(grep -o '"rule":"widened-permission"' "$reports/bot-bottle.json" 2>/dev/null | wc -l)"
  echo "json=$reports/bot-bottle.json"
  echo "sarif=$reports/bot-bottle.sarif"
} >>"${GITHUB_OUTPUT:-/dev/null}"

if [ -z "$base" ]; then
  "$bot_bottle" check "${args[@]}" -- "${paths[@]}"
  code=$?
  echo "nothing to compare with: the event has no base, and no \`base\` was given" >>"$summary"
  if [ "${#deny[@]}" -gt 0 ]; then
    echo "::error title=bot-bottle::permissions were to be compared, and this event has no base; give the input \`base\`, or \`deny-widening: false\`"
    [ "$code" -gt 1 ] || code=1
  fi
  exit "$code"
fi
"$bot_bottle" check "${args[@]}" --summary "$reports/table.md" -- "${paths[@]}"
code=$?
if [ -s "$reports/table.md" ]; then
  cat "$reports/table.md" >>"$summary"
  if [ -n "${COMMENT:-}" ] && [ -n "${GH_TOKEN:-}" ]; then
    # A comment has 65,536 characters. That of a fork's pull request may not be written, which is no failure.
    head -c 60000 "$reports/table.md" >"$reports/comment.md"
    gh pr comment "$COMMENT" --edit-last --create-if-none --body-file "$reports/comment.md" >/dev/null 2>&1 ||
      echo "bot-bottle: the table was not written as a comment"
  fi
fi
exit "$code"
