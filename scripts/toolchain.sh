# Selects the Rust toolchain. deps.sh and cargo.sh source this file.
# shellcheck shell=sh
#
# The toolchain on PATH when it can compile for wasm32-wasip1, else Debian's in /usr/bin.

# usable RUSTC CARGO: true when they are 1.85 or later and have the standard library for wasm32-wasip1.
usable() {
    command -v "$1" >/dev/null 2>&1 && command -v "$2" >/dev/null 2>&1 || return 1
    usable_sysroot=$("$1" --print sysroot 2>/dev/null) && [ -n "$usable_sysroot" ] || return 1
    [ -d "$usable_sysroot/lib/rustlib/wasm32-wasip1" ] || return 1
    "$1" --version 2>/dev/null | awk '{ split($2, v, "."); exit !(v[1] > 1 || v[1] == 1 && v[2] >= 85) }'
}

path_rust_has_wasm() { usable rustc cargo; }
debian_rust_has_wasm() { usable /usr/bin/rustc /usr/bin/cargo; }

# Adds the target with rustup; false where rustup is missing or cannot reach its server.
rustup_adds_wasm() {
    command -v rustup >/dev/null 2>&1 || return 1
    rustup target add wasm32-wasip1 >/dev/null 2>&1 && path_rust_has_wasm
}
