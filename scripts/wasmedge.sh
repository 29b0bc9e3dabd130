#!/bin/sh
# The runner of `cargo run` and `cargo test` for wasm (.cargo/config.toml): scripts/wasmedge.sh FILE.wasm ARGUMENT…
#
# WasmEdge passes on no environment variable by itself. Test programs get the variables that tests read. The service
# also gets those of its own table, which its module prints.
set -eu
module=$1
names='PROPTEST_CASES RUST_BACKTRACE'
case $module in
*/deps/*) ;;
*) names="$names $(wasmedge "$module" --variables | sed -n 's/^{"name":"\([A-Z0-9_]*\)".*/\1/p')" ;;
esac
for name in $names; do
    eval "value=\${$name-}"
    [ -z "$value" ] || set -- --env "$name=$value" "$@"
done
exec wasmedge --dir /:/ "$@"
