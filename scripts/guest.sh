#!/bin/sh
# Compiles the test programs of tests/e2e/guest to target/guest/wasm32-wasip1/release/guest.wasm (half a minute, once).
set -eu
cd "$(dirname "$0")/.."
exec scripts/cargo.sh build --quiet --release --locked --manifest-path tests/e2e/guest/Cargo.toml \
    --target-dir "${CARGO_TARGET_DIR:-target}/guest"
