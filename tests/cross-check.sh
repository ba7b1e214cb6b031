#!/usr/bin/env bash
# Compiles the code for macOS and Windows, as far as that goes without them: every type and every call, no machine code.
#
#   tests/cross-check.sh [TARGET…]     both, or the named ones
#
# Needs the standard library of each target, which `rustup target add` brings. Where it cannot be had, the target is named
# as not compiled, which is no pass. Ends with 1 if the code for a target does not compile, or has a warning.
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1

[ $# -gt 0 ] || set -- aarch64-apple-darwin x86_64-pc-windows-msvc
installed() { compgen -G "$(rustc --print target-libdir --target "$1" 2>/dev/null)/libstd-*" >/dev/null; }

# What a dependency would compile from C goes into the program, and no program is made here: empty files will do.
tools=$(mktemp -d) || exit 1
trap 'rm -rf "$tools"' EXIT
cat >"$tools/cc" <<'END'
#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in
    -o) : >"$2"; shift ;;
    -o?*) : >"${1#-o}" ;;
    [-/]Fo?*) : >"${1#?Fo}" ;;
  esac
  shift
done
END
cat >"$tools/ar" <<'END'
#!/bin/sh
for word; do
  word=${word#-out:}
  word=${word#/OUT:}
  case $word in *.a | *.lib) : >"$word" ;; esac
done
END
chmod +x "$tools/cc" "$tools/ar"
export SDKROOT=$tools

failed=0
for target; do
  if ! installed "$target" && command -v rustup >/dev/null; then
    timeout 120 rustup target add "$target" >/dev/null 2>&1
  fi
  if ! installed "$target"; then
    echo "note: the code for $target was not compiled: its standard library cannot be had here"
    continue
  fi
  export "CC_${target//-/_}=$tools/cc" "AR_${target//-/_}=$tools/ar"
  # The lints of the house are looked at once, for this system.
  if cargo rustc --quiet --lib --profile check --target "$target" -- -D warnings; then
    echo "ok the code for $target compiles without a warning"
  else
    echo "not ok the code for $target compiles without a warning"
    failed=1
  fi
done
exit $failed
