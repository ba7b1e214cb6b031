#!/usr/bin/env bash
# Runs a command with a real keychain of its own: a private session bus and gnome-keyring in a throwaway HOME. Reads and
# changes nothing of the caller's keychain, bus or home, and needs no display.
#
#   tests/with-keyring.sh [--state STATE] [--] COMMAND [ARGUMENT…]
#
#   unlocked  a default collection, open (the default)
#   locked    a default collection, locked, and nobody to answer a dialog
#   empty     the service without any collection
#   hung      as unlocked, but the service never answers
#   absent    a session bus without the service
#   nobus     no session bus
#
# The command finds WITH_KEYRING_STATE and WITH_KEYRING_DIR, a new folder in WITH_KEYRING_BASE or /tmp. One line written to the pipe $WITH_KEYRING_DIR/orders is an
# order, and the pipe `answers` then gives one line, `ready` or `failed`:
#
#   restart   kill the service and start a new, unlocked one      lock     lock the default collection
#   stop      kill the service                                    freeze   stop it from answering
#   look      say here if it has ended by itself, and why          thaw     let it answer again
#
# Ends with the command's status; 64 usage, 69 something is missing or did not start.
# Debian packages: gnome-keyring dbus-daemon dbus-bin, and libsecret-tools for the tests that use secret-tool.
set -u

refuse() { local status=$1; shift; printf 'with-keyring: %s\n' "$*" >&2; exit "$status"; }

state=unlocked
case ${1:-} in
  --state) state=${2:-}; shift 2 || refuse 64 "--state needs a state" ;;
  --state=*) state=${1#*=}; shift ;;
esac
[ "${1:-}" = -- ] && shift
[ $# -gt 0 ] || refuse 64 "which command?"
case $state in unlocked | locked | empty | hung | absent | nobus) ;; *) refuse 64 "no state \`$state\`" ;; esac
for program in dbus-daemon dbus-send gnome-keyring-daemon; do
  command -v "$program" >/dev/null || refuse 69 "\`$program\` is missing: apt-get install gnome-keyring dbus-daemon dbus-bin"
done

# Short, whatever TMPDIR is: the path of a socket may have some hundred bytes.
dir=$(mktemp -d "${WITH_KEYRING_BASE:-/tmp}/keyring.XXXXXX") || refuse 69 "no private folder in ${WITH_KEYRING_BASE:-/tmp}"
mkdir -m 700 "$dir/home" "$dir/run"
mkfifo -m 600 "$dir/orders" "$dir/answers"
# Open for both ends, so that neither opening nor writing ever waits for the other side.
exec 3<>"$dir/orders" 4<>"$dir/answers"

# Only children of this shell are ended, by number.
command_pid='' server_pid='' bus_pid=''
# shellcheck disable=SC2317  # a trap calls it
finish() {
  local pid
  trap - EXIT
  for pid in $command_pid $server_pid $bus_pid; do
    kill -TERM "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
  done
  rm -rf -- "$dir"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Cargo and rustup look for themselves in HOME.
export CARGO_HOME=${CARGO_HOME:-$HOME/.cargo} RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}
export HOME=$dir/home XDG_RUNTIME_DIR=$dir/run DBUS_SESSION_BUS_ADDRESS=unix:path=$dir/run/bus
export WITH_KEYRING_STATE=$state WITH_KEYRING_DIR=$dir
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME XDG_CACHE_HOME DISPLAY WAYLAND_DISPLAY
unset GNOME_KEYRING_CONTROL SSH_AUTH_SOCK DBUS_STARTER_ADDRESS DBUS_STARTER_BUS_TYPE

# until_true COMMAND…: for at most ten seconds.
until_true() {
  local i
  for ((i = 0; i < 200; i++)); do "$@" && return; sleep 0.05; done
  return 1
}

start_bus() {
  # Without service folders nothing of the host can be started by name: no second keyring, no program that shows dialogs.
  printf '%s\n' '<busconfig><type>session</type>' "<listen>$DBUS_SESSION_BUS_ADDRESS</listen>" \
    '<policy context="default"><allow send_destination="*"/><allow eavesdrop="true"/><allow own="*"/></policy>' \
    '</busconfig>' >"$dir/bus.conf"
  dbus-daemon --config-file="$dir/bus.conf" --nofork --nopidfile --nosyslog </dev/null >"$dir/bus.log" 2>&1 &
  bus_pid=$!
  until_true [ -S "$dir/run/bus" ]
}

ask() { dbus-send --session --print-reply=literal --reply-timeout=5000 --dest=org.freedesktop.secrets "$@" 2>/dev/null; }
default_collection() {
  ask /org/freedesktop/secrets org.freedesktop.Secret.Service.ReadAlias string:default | tr -d ' '
}
# shellcheck disable=SC2317  # until_true calls it
answers() { [ -n "$(default_collection)" ]; }
# shellcheck disable=SC2317  # until_true calls it
unlocked() {
  local collection
  collection=$(default_collection)
  [ "${#collection}" -gt 1 ] && [[ $(ask "$collection" org.freedesktop.DBus.Properties.Get \
    string:org.freedesktop.Secret.Collection string:Locked) == *false ]]
}
lock() {
  ask /org/freedesktop/secrets org.freedesktop.Secret.Service.Lock "array:objpath:$(default_collection)" >/dev/null
}

program=$(command -v gnome-keyring-daemon)
# A container without CAP_IPC_LOCK refuses a program that carries it as a file capability. A copy carries none.
if ! "$program" --version >/dev/null 2>&1; then
  cp -- "$program" "$dir/gnome-keyring-daemon" && program=$dir/gnome-keyring-daemon
fi
service_pid=''
# start_service --unlock opens the collection and makes it if need be; --start makes none.
start_service() {
  printf secret | "$program" "$1" --foreground --components=secrets --control-directory="$dir/run/keyring" \
    >>"$dir/service.log" 2>&1 &
  service_pid=$!
  if [ "$1" = --unlock ]; then until_true unlocked; else until_true answers; fi
}
# shellcheck disable=SC2317  # a trap calls it, too
end_service() {
  [ -n "$service_pid" ] || return 0
  kill -KILL "$service_pid" 2>/dev/null
  wait "$service_pid" 2>/dev/null
  service_pid=''
}

# Whoever is told that there is no keychain any more should know why.
look() {
  local status
  [ -n "$service_pid" ] && ! kill -0 "$service_pid" 2>/dev/null || return 0
  wait "$service_pid"
  status=$?
  { echo "with-keyring: the service has ended by itself, with $status:"; tail -n 20 "$dir/service.log"; } >&2
}

# The service is a child of this background shell, which can therefore end it and start another.
serve_orders() {
  trap end_service EXIT
  trap 'exit 0' TERM
  local order status=0
  case $state in
    empty) start_service --start || status=1 ;;
    unlocked | locked | hung) start_service --unlock || status=1 ;;
  esac
  [ "$state" = locked ] && { lock || status=1; }
  [ "$state" = hung ] && kill -STOP "$service_pid"
  while :; do
    if [ $status = 0 ]; then echo ready; else echo failed; fi >&4
    # If this script was killed outright, nobody else ends the bus and the service.
    until read -r -t 5 order <&3; do kill -0 $$ || { kill "$bus_pid"; exit 1; }; done
    status=0
    case $order in
      restart) end_service; start_service --unlock ;;
      stop) end_service ;;
      lock) lock ;;
      freeze) kill -STOP "$service_pid" ;;
      thaw) kill -CONT "$service_pid" ;;
      look) look ;;
      *) false ;;
    esac || status=1
  done
}

if [ "$state" != nobus ]; then
  start_bus || { cat "$dir/bus.log" >&2; refuse 69 "the session bus did not start"; }
fi
serve_orders &
server_pid=$!
read -r -t 30 answer <&4
if [ "${answer:-}" != ready ]; then
  cat "$dir/service.log" >&2
  refuse 69 "gnome-keyring did not get ready"
fi

# In the background, so that a signal to this script is obeyed at once; with the terminal or pipe of this script.
"$@" <&0 3>&- 4>&- &
command_pid=$!
wait "$command_pid"
status=$?
command_pid=''
if [ $status != 0 ]; then
  echo look >&3
  read -r -t 5 _ <&4
fi
exit $status
