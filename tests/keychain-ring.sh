#!/usr/bin/env bash
# Runs the tests of the real keychain, each module of tests/it/keychain.rs in the state that it is named after.
#
#   tests/keychain-ring.sh [STATE…]     all states, or the named ones
#
# Ends with 1 if a test failed, or if a state ran no test at all.
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1

[ $# -gt 0 ] || set -- unlocked locked empty hung absent nobus
built=$(cargo test --test it --no-run 2>&1) || { printf '%s\n' "$built" >&2; exit 1; }
tests=$(sed -n 's/^ *Executable .*(\(.*\))$/\1/p' <<<"$built")
[ -x "$tests" ] || { printf 'keychain-ring: no program in what cargo said:\n%s\n' "$built" >&2; exit 1; }

log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
failed=0
for state; do
  echo "-- $state"
  # One at a time: they share the keychain, and some of them restart it.
  timeout 300 tests/with-keyring.sh --state "$state" -- "$tests" --ignored --test-threads=1 "keychain::$state::" 2>&1 | tee "$log" || failed=1
  grep -q '^test result: ok\. [1-9]' "$log" || { echo "not ok: no test passed in the state $state"; failed=1; }
done
exit $failed
