#!/bin/sh
# Makes the fast form of modules (tools/wasm-lower/README.md): scripts/wasm-lower.sh FILE.wasm…
#
# Prints the path of each result, which is in the directory `lowered` beside the file. A result that is up to date
# stays. WASM_LOWER=off prints the paths of the files themselves.
set -eu
if [ "${WASM_LOWER-}" = off ]; then
    printf '%s\n' "$@"
    exit
fi
scripts=$(dirname "$0")
host=$("$scripts/cargo.sh" --host)
for module; do
    "$scripts/cargo.sh" run --quiet --manifest-path "$scripts/../Cargo.toml" --package wasm-lower --target "$host" -- \
        --into "$(dirname "$module")/lowered" "$module"
done
