#!/bin/sh
# Runs the platform tests of tests/e2e with the published wasmedge_wasi_socket instead of ours, and prints a table of
# the results.
#
#   scripts/published.sh [FILTER …]   all tests of `platform::`, or those whose names contain one of the filters
#
# The service and the guest programs are built with the published crate, from a temporary copy of the work tree. The
# tests are those of the work tree. LIMIT is the timeout of one test in seconds (120).
set -eu
cd "$(dirname "$0")/.."
root=$(pwd)
limit=${LIMIT:-120}
published=0.5.5
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
host=$(scripts/cargo.sh --host)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
say() { printf 'published: %s\n' "$*" >&2; }

# quietly COMMAND…: shows the output only if the command fails.
quietly() {
    "$@" >"$work/output" 2>&1 || { tail -n 40 "$work/output" >&2; say "failed: $*"; exit 1; }
}

# without_patch DIRECTORY: makes the workspace there use the published crate.
without_patch() {
    cd "$1"
    sed -i '/^wasmedge_wasi_socket = { path = /d; /^ *"crates\/wasmedge_wasi_socket",$/d' Cargo.toml
    quietly "$root/scripts/cargo.sh" metadata --format-version 1
    quietly "$root/scripts/cargo.sh" update --package wasmedge_wasi_socket --precise "$published"
    grep -A 2 '^name = "wasmedge_wasi_socket"' Cargo.lock | grep -q '^source = "registry' ||
        { say "$1: the patch is still there"; exit 1; }
}

tree=$work/tree
mkdir "$tree"
git ls-files --cached --others --exclude-standard | while IFS= read -r file; do
    [ ! -f "$file" ] || cp --parents "$file" "$tree/"
done
say "building the service and the guest programs with wasmedge_wasi_socket $published …"
# The published crate has no statistics.
(without_patch "$tree" && RUSTFLAGS='--cfg published_binding' \
    quietly scripts/cargo.sh build --release --target-dir "$target/published")
(without_patch "$tree/tests/e2e/guest" && cd "$tree" && CARGO_TARGET_DIR=$target/published quietly scripts/guest.sh)
export ORDER_SERVICE_WASM="$target/published/wasm32-wasip1/release/order-service.wasm"
export GUEST_WASM="$target/published/guest/wasm32-wasip1/release/guest.wasm"
quietly scripts/cargo.sh run --quiet --package testkit --bin aot --target "$host"
# binary NAME: compiles this test binary and copies it: a later build must not change what runs.
binary() {
    scripts/cargo.sh test --quiet --no-run --package e2e --test "$1" --target "$host" \
        --message-format=json >"$work/built"
    cp "$(sed -n 's/.*"executable":"\([^"]*\/'"$1"'-[^"]*\)".*/\1/p' "$work/built" | tail -n 1)" "$work/$1"
}
binary e2e
binary measurements

tests=$(for binary in e2e measurements; do "$work/$binary" --list platform:: | sed -n "s/: test\$/ $binary/p"; done)

# outcome NAME BINARY: runs a test and prints its result in one line.
outcome() {
    status=0
    timeout --kill-after=10 "$limit" "$work/$2" --exact "$1" >"$work/test" 2>&1 || status=$?
    case $status in
    0) grep -q '^test result: ok. 1 passed' "$work/test" && echo passed || echo 'did not run' ;;
    124 | 137) echo "failed: no end within $limit s" ;;
    *) echo "failed: $(reason)" ;;
    esac
}

# The first line of the panic of a test, and a note if the service ended.
reason() {
    awk '/ panicked at / && !seen { seen = 1; next }
        seen == 1 { sub(/:* *\{"time".*/, ""); print substr($0, 1, 160); seen = 2 }
        /unexpected error when polling the I\/O driver/ { died = 1 }
        END { if (died) print "(the process has ended: unexpected error when polling the I/O driver)" }' "$work/test" |
        tr '\n|' ' /' | sed 's/ *$//'
}

failed=0
all=0
printf '| test | with wasmedge_wasi_socket %s |\n|---|---|\n' "$published"
printf '%s\n' "$tests" | sort >"$work/list"
while read -r name binary; do
    wanted=$([ $# -gt 0 ] && echo no || echo yes)
    for filter in "$@"; do case $name in *"$filter"*) wanted=yes ;; esac; done
    [ "$wanted" = yes ] || continue
    how=$(outcome "$name" "$binary" </dev/null)
    all=$((all + 1))
    case $how in failed*) failed=$((failed + 1)) ;; esac
    # shellcheck disable=SC2016 # the backquotes are Markdown's
    printf '| `%s` | %s |\n' "${name#platform::}" "$how"
done <"$work/list"
say "$failed of $all tests fail with the published crate"
[ "$failed" -gt 0 ]
