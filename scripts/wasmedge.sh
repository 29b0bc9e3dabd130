#!/bin/sh
# What `cargo run` and `cargo test` run a .wasm with (.cargo/config.toml): scripts/wasmedge.sh FILE.wasm ARGUMENT…
#
# WasmEdge gives a program nothing of the environment by itself: this passes on the service's own variables, by the table in
# src/config.rs, and those that tests read.
set -eu
table=$(dirname "$0")/../src/config.rs
# shellcheck disable=SC2016 # the backquotes are the table's
for name in $(sed -n 's/^\/\/! | `\([A-Z_]*\)` .*/\1/p' "$table") PROPTEST_CASES RUST_BACKTRACE; do
    eval "value=\${$name-}"
    [ -z "$value" ] || set -- --env "$name=$value" "$@"
done
exec wasmedge --dir /:/ "$@"
