#!/bin/sh
# The runner of `cargo run` and `cargo test` for wasm (.cargo/config.toml): scripts/wasmedge.sh FILE.wasm ARGUMENT…
#
# WasmEdge passes on no environment variable by itself. Test programs get the variables that tests read. The service
# also gets those of its own table, which its module prints, and may read the directories of the files that they name.
# WASMEDGE names another WasmEdge than the one on the PATH.
set -eu
wasmedge=${WASMEDGE:-wasmedge}
# The interpreter runs what cargo has built.
export ALLOW_INTERPRETER="${ALLOW_INTERPRETER:-true}"
module=$1
shift
names='PROPTEST_CASES RUST_BACKTRACE'
files=
case $module in
# Tests run in the interpreter, where the fast form of a module gains nothing.
*/deps/*) ;;
*)
    module=$("$(dirname "$0")/wasm-lower.sh" "$module")
    table=$("$wasmedge" "$module" --variables)
    names="$names $(printf '%s\n' "$table" | sed -n 's/^{"name":"\([A-Z0-9_]*\)".*/\1/p')"
    files=$(printf '%s\n' "$table" | sed -n 's/^{"name":"\([A-Z0-9_]*\)","type":"file".*/\1/p')
    ;;
esac
set -- "$module" "$@"
for name in $names; do
    eval "value=\${$name-}"
    [ -n "$value" ] || continue
    case " $(echo "$files" | tr '\n' ' ') " in
    *" $name "*)
        # WasmEdge has no working directory and follows no symbolic link out of a directory.
        value=$(realpath -m -- "$value")
        directory=$(dirname -- "$value")
        [ "$directory" != / ] || { echo "wasmedge.sh: $name: put $value into a directory of its own" >&2; exit 64; }
        [ ! -d "$directory" ] || set -- --dir "$directory:$directory:readonly" "$@"
        ;;
    esac
    set -- --env "$name=$value" "$@"
done
# The kernel's random numbers. All of /dev would give a module that root runs the machine's disks as well.
exec "$wasmedge" --dir /proc/sys/kernel/random:/proc/sys/kernel/random:readonly "$@"
