#!/usr/bin/env bash
# Installs the programs beside which keyward is measured, where their package managers let it, into
# ${XDG_CACHE_HOME:-~/.cache}/keyward-tests, and writes one line for each:
#
#   NAME<tab>here<tab>VERSION<tab>WORD<tab>WORD…    it is started by these words
#   NAME<tab>absent<tab>WHY
#
# `hyper-mcp-remote` is compiled, which takes minutes, once.
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tests/peers/versions.sh
. tests/peers/versions.sh
cache=${XDG_CACHE_HOME:-$HOME/.cache}/keyward-tests
mkdir -p "$cache" || exit 1

# once NAME WANTED COMMAND…: runs the command unless NAME was made from exactly WANTED before. Whoever comes while another
# one does so goes without.
once() {
  local stamp=$cache/$1.stamp wanted=$2
  [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return
  (
    flock --nonblock 9 || exit 1
    rm -f "$stamp"
    echo "installing: $1" >&2
    "${@:3}" >"$cache/$1.log" 2>&1 || { tail -n 5 "$cache/$1.log" >&2; exit 1; }
    printf %s "$wanted" >"$stamp"
  ) 9>"$cache/$1.lock"
}
say() { local IFS=$'\t'; printf '%s\n' "$*"; }
version() { local word=${1##*@}; printf %s "${word##*=}"; }

make_npm() {
  rm -rf "${cache:?}/bench-npm" && mkdir -p "$cache/bench-npm" && echo '{"private":true}' >"$cache/bench-npm/package.json" \
    && npm install --prefix "$cache/bench-npm" --no-audit --no-fund --before="$NPM_BEFORE" "node@$NODE" "${BENCH_NPM[@]}" \
    && "$cache/bench-npm/node_modules/.bin/node" --version
}
make_python() {
  rm -rf "${cache:?}/bench-python" && python3 -m venv "$cache/bench-python" \
    && "$cache/bench-python/bin/python" -m pip install --quiet "$BENCH_PYTHON"
}
make_cargo() {
  CARGO_TARGET_DIR=$cache/bench-cargo/target nice -n 10 \
    cargo install --quiet --locked --root "$cache/bench-cargo" --version "$(version "$BENCH_CARGO")" "${BENCH_CARGO%@*}" \
    && rm -rf "$cache/bench-cargo/target"
}

modules=$cache/bench-npm/node_modules node=$cache/bench-npm/node_modules/.bin/node
if ! command -v npm >/dev/null; then
  say tavily-mcp absent "there is no npm" && say mcp-remote absent "there is no npm"
elif once bench-npm "$NODE $NPM_BEFORE ${BENCH_NPM[*]}" make_npm; then
  say tavily-mcp here "$(version "${BENCH_NPM[0]}")" "$node" "$modules/tavily-mcp/build/index.js"
  say mcp-remote here "$(version "${BENCH_NPM[1]}")" "$node" "$modules/mcp-remote/dist/proxy.js"
else
  say tavily-mcp absent "npm did not install it, or not yet" && say mcp-remote absent "npm did not install it, or not yet"
fi
if once bench-python "$BENCH_PYTHON" make_python; then
  say fastmcp here "$(version "$BENCH_PYTHON")" "$cache/bench-python/bin/python"
else
  say fastmcp absent "pip did not install it, or not yet"
fi
if once bench-cargo "$BENCH_CARGO" make_cargo; then
  say hyper-mcp-remote here "$(version "$BENCH_CARGO")" "$cache/bench-cargo/bin/hyper-mcp-remote"
else
  say hyper-mcp-remote absent "cargo did not install it, or not yet"
fi
