#!/usr/bin/env bash
# Runs a command with a small disk for the private keychain (WITH_KEYRING_BASE) and another for a home (SMALL_HOME). Needs a
# mount namespace of its own:
#
#   unshare --map-root-user --mount small-disk.sh COMMAND [ARGUMENT…]
set -eu
base=$(mktemp -d /tmp/small-disk.XXXXXX)
mkdir -p "$base/keyring" "$base/home"
trap 'umount "$base/keyring" "$base/home"; rm -rf "$base"' EXIT
mount -t tmpfs -o size=2m,mode=700 none "$base/keyring"
mount -t tmpfs -o size=2m,mode=700 none "$base/home"
export WITH_KEYRING_BASE=$base/keyring SMALL_HOME=$base/home
"$@"
