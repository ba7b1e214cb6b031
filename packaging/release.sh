#!/usr/bin/env bash
# Makes all files of a release from what was built before.
#
#   packaging/release.sh BUILT OUT     BUILT holds one folder `built-TARGET` for each target, with the program and its bill
#                                      of materials
#
# REPOSITORY is the address of the project and OWNER whose it is. MCPB is the command of the bundle's packer.
set -eu -o pipefail
cd "$(dirname "$0")/.."
built=$1 out=$2
: "${REPOSITORY:?}" "${OWNER:?}"
mcpb=${MCPB:-npx --yes @anthropic-ai/mcpb@2.1.2}
make() { python3 packaging/make.py "$@" --out "$out" --repository "$REPOSITORY" --maintainer "$OWNER <$OWNER@users.noreply.github.com>" --mcpb "$mcpb"; }

declare -A program
while read -r target; do
  program[$target]=$(find "$built/built-$target" -type f \( -name keyward -o -name keyward.exe \))
  # What travels between machines loses its mode.
  chmod 755 "${program[$target]}"
  make archive "$target" "${program[$target]}"
  find "$built/built-$target" -name '*.cdx.json' -exec cp {} "$out/" \;
  case $target in *-linux-gnu) make deb "$target" "${program[$target]}" ;; esac
done < <(make targets)

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
