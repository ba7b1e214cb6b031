#!/bin/sh
# Installs keyward for one person: builds it from this source tree with cargo and puts it where programs of that person
# live. Never uses sudo, never edits a shell profile.
#
#   ./install.sh [--to DIR]     DIR is ~/.local/bin unless given
#
# cargo's own variables apply (CARGO_TARGET_DIR, CARGO_BUILD_TARGET, CARGO_PROFILE_RELEASE_*).
# shellcheck disable=SC2016  # backquotes in messages quote what the person types
set -eu

say() { printf '%s\n' "$*"; }
fail() {
  printf 'error: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf 'hint:  %s\n' "$2" >&2
  exit 1
}
usage() { sed -n '2,/^# shellcheck/{/^# shellcheck/d;s/^# \{0,1\}//;p;}' "$0"; }
misused() {
  printf 'error: %s\nhint:  ./install.sh --help\n' "$1" >&2
  exit 2
}

to=
while [ $# -gt 0 ]; do
  case $1 in
    --to)
      [ $# -ge 2 ] || misused '`--to` needs a folder'
      to=$2
      shift 2
      ;;
    --to=*) to=${1#--to=}; shift ;;
    -h | --help) usage; exit 0 ;;
    *) misused "unknown argument \`$1\`" ;;
  esac
done
if [ -z "$to" ]; then
  [ -n "${HOME:-}" ] || fail 'HOME is not set, so there is no ~/.local/bin' './install.sh --to DIR'
  to=$HOME/.local/bin
fi

source=$(cd "$(dirname "$0")" && pwd)
[ -f "$source/Cargo.toml" ] || fail "\`$source\` holds no Cargo.toml" 'run install.sh where it lies, inside the source tree'
command -v cargo >/dev/null 2>&1 || fail 'cargo is not on the PATH' 'install Rust first: https://rustup.rs'

# The place is tried before minutes are spent on a build.
mkdir -p "$to" 2>/dev/null || fail "\`$to\` cannot be made" './install.sh --to a folder you may write to'
to=$(cd "$to" && pwd)
# A fresh name, made by us alone: nobody can have put a link there.
new=$(mktemp "$to/.keyward.XXXXXX" 2>/dev/null) || fail "\`$to\` cannot be written to" './install.sh --to a folder you may write to'
trap 'rm -f "$new"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say "building keyward in $source (a few minutes the first time)"
# cargo says itself where it put the program: target folders and targets can be set in many places. Its status would be
# lost in a pipe, so the messages go through a file.
messages=$(mktemp)
trap 'rm -f "$new" "$messages"' EXIT
(cd "$source" && cargo build --release --locked --bin keyward --message-format=json-render-diagnostics) >"$messages" ||
  fail 'the build did not end well; cargo says why above' "cd $source && cargo build --release"
built=$(sed -n 's/.*"executable":"\([^"]*\/keyward\)".*/\1/p' "$messages" | tail -n 1)
[ -x "$built" ] || fail 'cargo built no program' "cd $source && cargo build --release"

cp "$built" "$new"
chmod 755 "$new"
version=$("$new" --version 2>/dev/null) || version=
case $version in
  keyward\ *) ;;
  *) fail "the built program does not run: $built" "$built --version" ;;
esac
[ ! -d "$to/keyward" ] || fail "\`$to/keyward\` is a folder" './install.sh --to another folder'
before=
[ ! -e "$to/keyward" ] || before=$("$to/keyward" --version 2>/dev/null || printf 'another file')
# One rename: whoever starts keyward now gets the old program or the new one, never half of one.
mv -f "$new" "$to/keyward"

if [ -n "$before" ]; then say "replaced $before"; fi
say "installed $version as $to/keyward"
case :${PATH:-}: in
  *:"$to":*)
    found=$(command -v keyward || :)
    [ "$found" = "$to/keyward" ] || say "note: \`keyward\` still means $found, which comes first on the PATH"
    ;;
  *) say "note: $to is not on the PATH; add it in your shell's profile: export PATH=\"$to:\$PATH\"" ;;
esac
say 'completions: `keyward completions SHELL` prints them; ready-made ones lie in completions/'
say 'next: keyward demo'
