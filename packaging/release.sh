#!/usr/bin/env bash
# Makes all files of a release from what was built before.
#
#   packaging/release.sh BUILT OUT     BUILT holds one folder `built-TARGET` for each target, with the program, and their bills
#                                      of materials
#
# REPOSITORY is the address of the project and OWNER whose it is. Needs npm: the bundle's packer is installed as
# packaging/mcpb/package-lock.json has it, every package by its sum and none of their scripts run.
set -eu -o pipefail
cd "$(dirname "$0")/.."
built=$1 out=$2
: "${REPOSITORY:?}" "${OWNER:?}"
packer=$(mktemp -d)
trap 'rm -rf "$packer"' EXIT
cp packaging/mcpb/package.json packaging/mcpb/package-lock.json "$packer/"
npm ci --prefix "$packer" --ignore-scripts --no-audit --no-fund --silent
mcpb=$packer/node_modules/.bin/mcpb
make() { python3 packaging/make.py "$@" --out "$out" --repository "$REPOSITORY" --maintainer "$OWNER <$OWNER@users.noreply.github.com>" --mcpb "$mcpb"; }

declare -A program
while read -r target; do
  program[$target]=$(find "$built/built-$target" -type f \( -name keyward -o -name keyward.exe \))
  # What travels between machines loses its mode.
  chmod 755 "${program[$target]}"
  make archive "$target" "${program[$target]}"
  case $target in *-linux-gnu) make deb "$target" "${program[$target]}" ;; esac
done < <(make targets)
find "$built" -name '*.cdx.json' -exec cp {} "$out/" \;

native=${program[$(uname -m)-unknown-linux-gnu]}
for cpu in x86_64 aarch64; do
  pairs=()
  for target in "${!program[@]}"; do
    case $target in "$cpu"-*-linux-gnu) ;; "$cpu"-*) pairs+=("$target=${program[$target]}") ;; esac
  done
  make bundle "$cpu" "$native" "${pairs[@]}"
done
rm -rf "$out/bundles"
# What is new in this release, without what came before it.
sed -n '/^## /,$p' CHANGELOG.md | sed '1d; /^## /,$d' >"$out/NOTES.md"
make sums
make definitions
make sums
