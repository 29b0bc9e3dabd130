#!/bin/sh
# Runs cargo with a Rust toolchain that can compile for wasm32-wasip1 (see toolchain.sh).
#
#   scripts/cargo.sh ARGUMENTS…   runs cargo with them
#   scripts/cargo.sh --host       prints this machine's target, such as x86_64-unknown-linux-gnu
set -eu
# shellcheck source=scripts/toolchain.sh
. "$(dirname "$0")/toolchain.sh"

if ! path_rust_has_wasm; then
    debian_rust_has_wasm || { echo "cargo.sh: no Rust 1.85 with wasm32-wasip1 is installed: make deps" >&2; exit 1; }
    PATH=/usr/bin:$PATH
    RUSTC=/usr/bin/rustc
    export PATH RUSTC
    unset RUSTUP_TOOLCHAIN
fi
[ "${1-}" != --host ] || { rustc -vV | sed -n 's/^host: //p'; exit; }
exec cargo "$@"
