#!/bin/sh
# Installs keyward for one person; `usage` below says how. Never uses sudo, never edits a shell profile.
#
# The archive is unpacked only when it is the one that SHA256SUMS names. From source, cargo's own variables apply
# (CARGO_TARGET_DIR, CARGO_BUILD_TARGET, CARGO_PROFILE_RELEASE_*).
# shellcheck disable=SC2016  # backquotes in messages quote what the person types
set -eu
LC_ALL=C
export LC_ALL
umask 022
# All of it is read before any of it is done: half a script does nothing, and says so.
{

# The address of the releases; the installer that lies beside a release knows it.
releases=
# Bytes of an archive; what is longer is none of ours.
LARGEST=100000000

say() { printf '%s\n' "$*"; }
fail() {
  printf 'error: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf 'hint:  %s\n' "$2" >&2
  exit 1
}
usage() {
  cat <<'END'
Installs keyward for one person: from a release, or inside a clone from source.
Never uses sudo, never edits a shell profile.

  install.sh [--from PLACE] [--version VERSION] [--to DIR]
  install.sh --uninstall [--to DIR] [--keep-logins | --purge]

  --from PLACE       a folder, or the https address of one, that holds SHA256SUMS and archives of a release
  --version VERSION  that release, and no other
  --to DIR           where the program goes; ~/.local/bin unless given. Completions and manual pages go to the
                     `share` beside it if DIR is named `bin`, and nowhere if it is not
  --uninstall        removes what an installation put there, and nothing else; not while somebody is signed in or a
                     host starts it
  --keep-logins      uninstalls all the same, and leaves logins, entries of hosts and configuration as they are
  --purge            signs out everywhere, and also removes entries of hosts, configuration and state
END
}
misused() {
  printf 'error: %s\nhint:  install.sh --help\n' "$1" >&2
  exit 2
}
has() { command -v "$1" >/dev/null 2>&1; }

# ---- what is where

# Sets `share` (empty if completions have no place) and `record`, which lists what was installed, for $to.
places() {
  case $to in
    */bin)
      share=${to%/bin}/share
      record=$share/keyward/installed
      ;;
    *)
      share=
      record=$to/.keyward-installed
      ;;
  esac
}

sum_of() {
  if has sha256sum; then set -- "$(sha256sum <"$1")"; elif has shasum; then set -- "$(shasum -a 256 <"$1")"; else
    set -- "$(openssl dgst -sha256 -r <"$1")"
  fi
  printf '%s\n' "${1%% *}"
}

# ---- a release

# The name that Rust has for this machine.
this_machine() {
  case $(uname -m) in
    x86_64 | amd64) cpu=x86_64 ;;
    aarch64 | arm64) cpu=aarch64 ;;
    *) fail "there is no release for the processor \`$(uname -m)\`" 'build from source: clone the project and run ./install.sh' ;;
  esac
  case $(uname -s) in
    Darwin)
      # Under Rosetta the processor is told wrongly.
      [ "$(sysctl -n hw.optional.arm64 2>/dev/null || :)" != 1 ] || cpu=aarch64
      printf '%s-apple-darwin\n' "$cpu"
      ;;
    Linux) printf '%s-unknown-linux-%s\n' "$cpu" "$(c_library)" ;;
    *) fail "there is no release for \`$(uname -s)\`" 'build from source: clone the project and run ./install.sh' ;;
  esac
}
# gnu where the C library is as new as the one of the release; otherwise musl, which needs none.
c_library() {
  found=$(getconf GNU_LIBC_VERSION 2>/dev/null) || found=
  case $found in
    glibc\ 2.*)
      minor=${found#glibc 2.}
      minor=${minor%%[!0-9]*}
      if [ "${minor:-0}" -ge 36 ]; then echo gnu; else echo musl; fi
      ;;
    *) echo musl ;;
  esac
}

# fetch NAME FILE: brings one file of the release here.
fetch() {
  case $from in
    https://*)
      has curl || fail 'curl is not on the PATH' 'install curl, or download the release and use --from DIR'
      # Neither the first address nor one that it leads to may be without TLS.
      # A setting of the person's own could switch the certificates' check off: no file of settings is read.
      curl -q --proto '=https' --proto-redir '=https' --tlsv1.2 --fail --silent --show-error --location \
        --max-redirs 5 --connect-timeout 20 --max-filesize "$LARGEST" --output "$2" "$from/$1" ||
        fail "\`$from/$1\` could not be downloaded" 'check the address, and the proxy if there is one (HTTPS_PROXY)'
      ;;
    *)
      [ -f "$from/$1" ] || fail "\`$from\` holds no $1" '--from a folder with SHA256SUMS and the archives of a release'
      cp "$from/$1" "$2"
      ;;
  esac
}

# Makes $content the folder of an archive that is what SHA256SUMS says.
from_release() {
  target=$(this_machine)
  fetch SHA256SUMS "$work/sums"
  # Nothing in that list is used but a line of exactly this form.
  found=$(sed -n "s/^\([0-9a-f]\{64\}\) [ *]\(keyward-[0-9][0-9A-Za-z.+-]*-$target\.tar\.gz\)\$/\1 \2/p" "$work/sums")
  if [ -n "$version" ]; then
    found=$(printf '%s\n' "$found" | while read -r sum name; do
      [ "$name" != "keyward-$version-$target.tar.gz" ] || printf '%s %s\n' "$sum" "$name"
    done)
  fi
  case $found in
    '') fail "SHA256SUMS names no archive ${version:+of version $version }for $target" 'see the list of releases for what there is' ;;
    *"
"*) fail "SHA256SUMS names several archives for $target" 'say which: --version VERSION' ;;
  esac
  wanted=${found%% *} name=${found#* }
  say "downloading $name"
  fetch "$name" "$work/archive"
  # Before anything looks into the file.
  [ "$(sum_of "$work/archive")" = "$wanted" ] ||
    fail "\`$name\` is not the file that SHA256SUMS names" 'download it again; if that does not help, tell the project'
  stem=${name%.tar.gz}
  check_members "$stem"
  mkdir "$work/content"
  tar -xzf "$work/archive" -C "$work/content" -o || fail "\`$name\` cannot be unpacked"
  content=$work/content/$stem
}

# Refuses an archive that holds anything but files and folders below the one folder: whoever wrote it is not us.
check_members() {
  tar -tzf "$work/archive" >"$work/names" 2>/dev/null || fail 'the archive cannot be read' 'download it again'
  tar -tvzf "$work/archive" >"$work/kinds" 2>/dev/null || fail 'the archive cannot be read' 'download it again'
  odd=$(sed -e 's,/$,,' "$work/names" | grep -v -x -E -e "$(printf %s "$1" | sed 's/[.+]/\\&/g')(/[A-Za-z0-9_.-]+)*" || :)
  odd=$odd$(grep -E -e '(^|/)\.\.(/|$)' "$work/names" || :)
  [ -z "$odd" ] || fail 'the archive holds names that do not belong there' 'do not use it, and tell the project'
  odd=$(grep -v -E -e '^[-d]' "$work/kinds" || :)
  [ -z "$odd" ] || fail 'the archive holds links or devices' 'do not use it, and tell the project'
}

# ---- source

from_source() {
  has cargo || fail 'cargo is not on the PATH' 'install Rust first: https://rustup.rs'
  say "building keyward in $source (a few minutes the first time)"
  # cargo says itself where it put the program: target folders and targets can be set in many places. Its status would
  # be lost in a pipe, so the messages go through a file.
  (cd "$source" && cargo build --release --locked --bin keyward --message-format=json-render-diagnostics) >"$work/messages" ||
    fail 'the build did not end well; cargo says why above' "cd $source && cargo build --release"
  built=$(sed -n 's/.*"executable":"\([^"]*\/keyward\)".*/\1/p' "$work/messages" | tail -n 1)
  [ -x "$built" ] || fail 'cargo built no program' "cd $source && cargo build --release"
  content=$work/content
  mkdir "$content"
  cp "$built" "$content/keyward"
  for part in completions man; do
    [ ! -d "$source/$part" ] || cp -R "$source/$part" "$content/$part"
  done
}

# ---- putting it there

# make_folder DIR: makes a folder and what is missing above it, and notes what it made.
make_folder() {
  [ ! -d "$1" ] || return 0
  make_folder "$(dirname "$1")"
  mkdir "$1" 2>/dev/null || fail "\`$1\` cannot be made" 'install.sh --to a folder you may write to'
  printf 'folder %s\n' "$1" >>"$work/record"
}

# is_listed LIST PLACE: whether an installation put the file there that has this list.
is_listed() { [ -f "$1" ] && sed -n 's/^file [0-9a-f]* //p' "$1" | grep -q -x -F -e "$2"; }

# plan FILE PLACE: one file that will be put there, unless one of somebody else's is.
plan() {
  [ ! -d "$2" ] || fail "\`$2\` is a folder" 'install.sh --to another folder'
  if [ -e "$2" ] && [ "$2" != "$to/keyward" ] && ! is_listed "$record" "$2" && [ "$(sum_of "$1")" != "$(sum_of "$2")" ]; then
    say "kept $2, which install.sh did not put there"
    return 0
  fi
  make_folder "$(dirname "$2")"
  printf 'file %s %s\n' "$(sum_of "$1")" "$2" >>"$work/record"
  printf '%s\n%s\n' "$1" "$2" >>"$work/plan"
}

# put FILE PLACE MODE: one rename, so that whoever looks sees the old file or the new one.
put() {
  # A fresh name, made by us alone: nobody can have put a link there.
  new=$(mktemp "$(dirname "$2")/.keyward.XXXXXX" 2>/dev/null) ||
    fail "\`$(dirname "$2")\` cannot be written to" 'install.sh --to a folder you may write to'
  cp "$1" "$new"
  chmod "$3" "$new"
  mv -f "$new" "$2"
  new=
}

install() {
  places
  # The place is tried before anything is downloaded or built.
  : >"$work/record"
  make_folder "$to"
  trial=$(mktemp "$to/.keyward.XXXXXX" 2>/dev/null) || fail "\`$to\` cannot be written to" 'install.sh --to a folder you may write to'
  rm -f "$trial"
  case $kind in source) from_source ;; release) from_release ;; esac
  # Where it will be: nothing runs in a folder for temporary files that is mounted so (`noexec`).
  new=$(mktemp "$to/.keyward.XXXXXX")
  cp "$content/keyward" "$new"
  chmod 755 "$new"
  installed=$("$new" --version 2>/dev/null) || installed=
  rm -f "$new"
  new=
  case $installed in
    keyward\ *) ;;
    *) fail 'the program does not run on this machine' 'build from source: clone the project and run ./install.sh' ;;
  esac
  [ ! -d "$to/keyward" ] || fail "\`$to/keyward\` is a folder" 'install.sh --to another folder'
  before=
  [ ! -e "$to/keyward" ] || before=$("$to/keyward" --version 2>/dev/null || printf 'another file')
  [ ! -f "$record" ] || sed -n '/^folder /p' "$record" >>"$work/record"
  : >"$work/plan"
  if [ -n "$share" ]; then
    for one in "$content"/man/*.1; do
      [ ! -f "$one" ] || plan "$one" "$share/man/man1/${one##*/}"
    done
    one=$content/completions
    [ ! -f "$one/keyward.bash" ] || plan "$one/keyward.bash" "$share/bash-completion/completions/keyward"
    [ ! -f "$one/_keyward" ] || plan "$one/_keyward" "$share/zsh/site-functions/_keyward"
    [ ! -f "$one/keyward.fish" ] || plan "$one/keyward.fish" "$share/fish/vendor_completions.d/keyward.fish"
  fi
  plan "$content/keyward" "$to/keyward"
  make_folder "$(dirname "$record")"
  [ ! -f "$record" ] || cp "$record" "$work/old"
  # The list comes first: what is interrupted can still be uninstalled.
  put "$work/record" "$record" 644
  while read -r one && read -r place; do
    case $place in "$to/keyward") put "$one" "$place" 755 ;; *) put "$one" "$place" 644 ;; esac
  done <"$work/plan"
  [ ! -f "$work/old" ] || forget_old
  if [ -n "$before" ]; then say "replaced $before"; fi
  say "installed $installed as $to/keyward"
}

# Removes what an older release had and this one has not.
forget_old() {
  while read -r what sum place; do
    [ "$what" = file ] || continue
    is_listed "$record" "$place" || remove_file "$sum" "$place"
  done <"$work/old"
}

# remove_file SUM PLACE: removes the file if it is still the one that was installed, below the folder it was put in.
remove_file() {
  case $2 in "$to"/* | "${share:-$to}"/*) ;; *) return 0 ;; esac
  case $2 in */../*) return 0 ;; esac
  if [ -L "$2" ] || [ ! -f "$2" ]; then return 0; fi
  if [ "$(sum_of "$2")" = "$1" ]; then
    rm -f "$2"
    removed=$((removed + 1))
  else
    say "kept $2, which is not the file that was installed"
  fi
}

advise() {
  case :${PATH:-}: in
    *:"$to":*)
      found=$(command -v keyward || :)
      [ "$found" = "$to/keyward" ] || say "note: \`keyward\` still means $found, which comes first on the PATH"
      ;;
    *) say "note: $to is not on the PATH; add it in your shell's profile: export PATH=\"$to:\$PATH\"" ;;
  esac
  if [ -n "$share" ]; then
    say "completions of bash and fish and the manual (\`man keyward\`) are below $share; zsh needs in ~/.zshrc, before compinit: fpath+=($share/zsh/site-functions)"
  else
    say 'completions: `keyward completions SHELL` prints them'
  fi
  say 'next: keyward demo'
}

# ---- taking it away

# logins_that_are WORDS: how many connections have a login of which `status` said one of these.
logins_that_are() {
  grep -o -E "\"login\": *\"($1)\"" "$work/status" | wc -l | tr -d ' '
}

# Makes $hosts the names of those whose lists of servers start this program.
look_for_hosts() {
  # Not in a project, whose lists are not this person's alone.
  (cd / && "$to/keyward" --json install --list) >"$work/hosts" 2>/dev/null || return 1
  # A list that nobody can read may have it, unless its name is not there at all.
  tr '{' '\n' <"$work/hosts" | sed -n 's/.*"scope":"user","file":"\(.*\)","keyward":"unread".*/\1/p' >"$work/unread"
  while read -r one || [ -n "$one" ]; do
    if [ ! -f "$one" ] || grep -q keyward "$one"; then return 1; fi
  done <"$work/unread"
  hosts=$(tr '{' '\n' <"$work/hosts" |
    sed -n -e 's/^"host":"\([a-z-]*\)".*/\1/' -e 't name' -e '/"scope":"user".*"this":true/{g' -e 'p' -e '}' -e 'b' -e ':name' -e 'h' |
    sort -u | tr '\n' ' ')
  hosts=${hosts% }
}

uninstall() {
  places
  [ -f "$record" ] || fail "nothing that install.sh put there is in \`$to\`" 'install.sh --uninstall --to the folder it was installed into'
  hosts=
  if [ -x "$to/keyward" ] && [ "$logins" = keep ]; then
    look_for_hosts || say 'note: which hosts start it could not be found out; a list of servers may still have it'
  elif [ -x "$to/keyward" ]; then
    # Whoever is gone cannot sign out any more, and a login that nobody needs stays valid.
    "$to/keyward" --json status >"$work/status" 2>/dev/null ||
      fail 'whether somebody is signed in could not be found out, so nothing was removed' "$to/keyward status says why; install.sh --uninstall --keep-logins leaves logins as they are"
    look_for_hosts ||
      fail 'which hosts start it could not be found out, so nothing was removed' "$to/keyward install --list says why; install.sh --uninstall --keep-logins leaves their lists as they are"
    if [ "$logins" != purge ]; then
      [ -z "$hosts" ] || fail "it is in the list of servers of: $hosts" "$to/keyward install --uninstall $hosts, or install.sh --uninstall --keep-logins"
      signed=$(logins_that_are 'signed-in|renewable')
      [ "$signed" = 0 ] || fail "$signed connection(s) are signed in, and would stay so" "$to/keyward logout --all, or install.sh --uninstall --keep-logins"
    elif [ "$(logins_that_are 'signed-in|renewable|unknown')" = 0 ]; then
      # Also connections that are configured no more. Without any keychain there is nobody to ask, and nothing to end.
      "$to/keyward" logout --all >/dev/null 2>&1 || :
    else
      "$to/keyward" logout --all || fail 'not everything could be signed out of, so nothing was removed' "see above, or: $to/keyward logout --all --local-only"
    fi
    # shellcheck disable=SC2086  # names of hosts, which have no blanks
    [ -z "$hosts" ] || (cd / && "$to/keyward" install --uninstall --yes $hosts >/dev/null) ||
      fail "the entries of $hosts could not be taken out, so nothing was removed" "see above, or: $to/keyward install --uninstall $hosts"
    settings=$("$to/keyward" config path 2>/dev/null) || settings=
  fi
  removed=0
  while read -r what sum place; do
    [ "$what" != file ] || remove_file "$sum" "$place"
  done <"$record"
  grep '^folder ' "$record" | sort -r >"$work/folders" || :
  rm -f "$record"
  if [ "$logins" = purge ]; then purge; fi
  # Only what was made for it, and only if nothing else has come into it.
  while read -r _ place; do
    case $place in /*) [ ! -d "$place" ] || rmdir "$place" 2>/dev/null || : ;; esac
  done <"$work/folders"
  say "removed $removed files"
  [ "$logins" != keep ] || [ -z "$hosts" ] || say "note: it is still in the list of servers of: $hosts"
  [ "$logins" = purge ] || say 'configuration and state were left where they are: `install.sh --help` says what --purge does'
}

# Configuration and state lie where each platform has them; only folders of our own name are removed.
purge() {
  # What is no whole path is no path, as the program itself has it.
  case ${XDG_CONFIG_HOME:-} in /*) ;; *) XDG_CONFIG_HOME=$HOME/.config ;; esac
  case ${XDG_STATE_HOME:-} in /*) ;; *) XDG_STATE_HOME=$HOME/.local/state ;; esac
  case ${XDG_DATA_HOME:-} in /*) ;; *) XDG_DATA_HOME=$HOME/.local/share ;; esac
  case ${XDG_CACHE_HOME:-} in /*) ;; *) XDG_CACHE_HOME=$HOME/.cache ;; esac
  case $(uname -s) in
    Darwin) set -- "$HOME/Library/Application Support/keyward" "$HOME/Library/Caches/keyward" ;;
    *)
      set -- "$XDG_CONFIG_HOME/keyward" "$XDG_STATE_HOME/keyward" "$XDG_DATA_HOME/keyward" "$XDG_CACHE_HOME/keyward"
      ;;
  esac
  for place; do
    if [ -d "$place" ] && [ ! -L "$place" ]; then rm -rf "$place" && say "removed $place"; fi
  done
  case ${settings:-} in
    '' | */keyward/*) ;;
    *) [ ! -f "$settings" ] || say "kept $settings, which lies elsewhere" ;;
  esac
}

# ---- the command line

to='' from='' version='' action=install logins=''
while [ $# -gt 0 ]; do
  case $1 in
    --to | --from | --version)
      if [ $# -lt 2 ] || [ -z "$2" ]; then
        case $1 in --to) misused '`--to` needs a folder' ;; *) misused "\`$1\` needs a value" ;; esac
      fi
      case $1 in --to) to=$2 ;; --from) from=$2 ;; *) version=$2 ;; esac
      shift 2
      ;;
    --to=*) to=${1#--to=}; shift ;;
    --from=*) from=${1#--from=}; shift ;;
    --version=*) version=${1#--version=}; shift ;;
    --uninstall) action=uninstall; shift ;;
    --keep-logins) logins=keep; shift ;;
    --purge) logins=purge; shift ;;
    -h | --help) usage; exit 0 ;;
    *) misused "unknown argument \`$1\`" ;;
  esac
done
[ -z "$logins" ] || [ $action = uninstall ] || misused '`--purge` and `--keep-logins` belong to `--uninstall`'
case $version in
  '' | [0-9]*) ;;
  v[0-9]*) version=${version#v} ;;
  *) misused "\`$version\` is no version" ;;
esac
case $version in *[!0-9A-Za-z.+-]*) misused "\`$version\` is no version" ;; esac
if [ -z "$to" ]; then
  [ -n "${HOME:-}" ] || fail 'HOME is not set, so there is no ~/.local/bin' 'install.sh --to DIR'
  to=$HOME/.local/bin
fi
case $to in
  /*) ;;
  *) to=$(pwd)/$to ;;
esac
# However the folder is spelt, it is one: what is installed is found again by its path.
rest=
while [ ! -d "$to" ] && [ "$to" != / ]; do
  to=${to%"${to##*[!/]}"}
  [ -d "$to" ] || { rest=/${to##*/}$rest; to=${to%/*}; }
  to=${to:-/}
done
case $rest/ in */../* | */./*) fail "\`$to$rest\` goes back and forth" 'install.sh --to the folder by its whole path' ;; esac
to=$(cd "$to" && pwd)
to=${to%/}$rest
case $to in *"
"*) fail 'a folder with a line break in its name cannot be installed into' ;; esac

# Where the program comes from: what was said, the release this file belongs to, or the clone it lies in.
kind=release
source=
case $0 in
  */*) source=$(cd "$(dirname "$0")" 2>/dev/null && pwd) || source= ;;
esac
if [ $action = install ] && [ -z "$from" ]; then
  if [ -n "$releases" ]; then
    from=$releases/${version:+download/v$version}
    [ -n "$version" ] || from=$releases/latest/download
  elif [ -n "$source" ] && [ -f "$source/Cargo.toml" ]; then
    [ -z "$version" ] || misused '`--version` chooses a release: it needs `--from`'
    kind='source'
  else
    fail 'this file lies in no source tree and names no release' 'install.sh --from the address of a release'
  fi
fi
from=${from%/}
case $from in
  http://*) fail "\`$from\` is not https" 'what comes without TLS can be replaced on its way' ;;
  https://*) ;;
  *://*) fail "\`$from\` is neither a folder nor an https address" 'install.sh --help' ;;
esac

# What was begun is taken away again, whatever ends this; a folder made for an installation that failed, too.
work=$(mktemp -d "${TMPDIR:-/tmp}/keyward-install.XXXXXX") || fail 'no temporary folder can be made' 'set TMPDIR to a folder you may write to'
new=
is_done=
clean() {
  [ -z "$new" ] || rm -f "$new"
  if [ $action = install ] && [ -z "$is_done" ] && [ -f "$work/record" ] && [ ! -f "$record" ]; then
    sed -n 's/^folder //p' "$work/record" | sort -r | while read -r place; do rmdir "$place" 2>/dev/null || :; done
  fi
  rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

case $action in
  install)
    install
    is_done=1
    advise
    ;;
  uninstall) uninstall ;;
esac
}
