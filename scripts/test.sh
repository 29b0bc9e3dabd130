#!/bin/sh
# Runs groups of tests and prints their sum as the last line: `N passed, N failed`.
#
#   scripts/test.sh unit|wasm|quick|e2e|api|page|containers|cluster …
#
# `quick` is the fast half of `e2e`. A part also counts one failure when it does not compile, when it ends with an error
# but without a failed test (a panic inside WasmEdge ends the whole process), or when it ran no test. All output is
# shown.
set -u
cd "$(dirname "$0")/.." || exit
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
passed=0
failed=0
summary=

# part NAME COMMAND…: runs the command and adds its `test result:` lines to the sum.
part() {
    name=$1
    shift
    LOG=$work/output scripts/step.sh --tests "$name" "$@"
    status=$?
    # shellcheck disable=SC2046 # two numbers
    set -- $(sed 's/\x1b\[[0-9;]*m//g' "$work/output" | awk '
        /^test result:/ { for (i = 2; i <= NF; i++) { if ($i ~ /^passed/) p += $(i - 1); if ($i ~ /^failed/) f += $(i - 1) } }
        END { print p + 0, f + 0 }')
    if [ "$2" -eq 0 ]; then
        if [ "$status" -ne 0 ]; then
            set -- "$1" 1
            printf '%s: ended with status %s\n' "$name" "$status"
        elif [ "$1" -eq 0 ]; then
            set -- 0 1
            printf '%s: no test ran\n' "$name"
        fi
    fi
    passed=$((passed + $1))
    failed=$((failed + $2))
    summary="$summary$(printf '  %-20s %5d passed, %d failed' "$name" "$1" "$2")
"
}

# build NAME COMMAND…: builds what the next part needs. When it fails, that counts as one failure.
build() {
    name=$1
    shift
    scripts/step.sh "build $name" "$@" && return 0
    failed=$((failed + 1))
    summary="$summary$(printf '  %-20s does not build' "$name")
"
    return 1
}

cargo=scripts/cargo.sh
host=$($cargo --host) || exit 1

# The programs that the end-to-end tests start.
build_programs() {
    build wasm $cargo build --release &&
        build example $cargo build --release --package microservice --example hello &&
        build guest scripts/guest.sh &&
        build collector scripts/collector.sh &&
        build aot $cargo run --quiet --package testkit --bin aot --target "$host"
}

for group in "$@"; do
    case $group in
    unit)
        part service $cargo test --no-fail-fast --target "$host" --package order-service
        part crates $cargo test --no-fail-fast --target "$host" \
            --package microservice --package wasmedge_wasi_socket --package pipe_status \
            --package webpki-roots@0.25.90 --package getrandom@0.2.90 --package mysql_framing \
            --package regex@1.90.0
        part tools $cargo test --no-fail-fast --target "$host" --package testkit --package run --package bench \
            --package release --package random_search --package strip-aot --package top --package wasm-lower
        part 'fuzz, short run' $cargo test --no-fail-fast --target "$host" --package fuzz
        part 'soak, unit tests' $cargo test --no-fail-fast --target "$host" --package soak --lib --bins
        ;;
    wasm)
        # Property tests try fewer cases than natively: the interpreter is some fifty times slower.
        export PROPTEST_CASES=64
        part 'service in wasm' $cargo test --profile wasm-test --no-fail-fast \
            --package order-service --package microservice --package regex@1.90.0 --lib
        part 'binding in wasm' $cargo test --profile wasm-test --no-fail-fast --package wasmedge_wasi_socket --lib
        unset PROPTEST_CASES
        ;;
    quick)
        build_programs &&
            part 'end to end, quick' $cargo test --no-fail-fast --target "$host" --package e2e --test e2e -- \
                --skip platform:: --skip slow::
        ;;
    e2e)
        build_programs && {
            part 'end to end' $cargo test --no-fail-fast --target "$host" --package e2e
            part 'short soak' $cargo test --no-fail-fast --target "$host" --package soak --test '*'
        }
        ;;
    api)
        build_programs &&
            build 'API tools' scripts/openapi-tools.sh &&
            part 'API description' $cargo test --no-fail-fast --target "$host" --package api-tests
        ;;
    cluster)
        build 'cluster programs' scripts/cluster-build.sh &&
            part cluster $cargo test --no-fail-fast --target "$host" --package cluster --package cluster-tests
        ;;
    page)
        # The images and `make run` do not have the pages yet.
        build 'wasm with pages' $cargo build --release --features pages &&
            build aot $cargo run --quiet --package testkit --bin aot --target "$host" &&
            build 'browser tools' scripts/browser-tools.sh &&
            part pages $cargo test --no-fail-fast --target "$host" --package page-tests
        ;;
    containers)
        part containers $cargo test --no-fail-fast --target "$host" --package containers
        ;;
    *)
        echo "test.sh: unknown group '$group'; the groups are unit, wasm, quick, e2e, api, page, containers and cluster" >&2
        exit 2
        ;;
    esac
done

printf '\n%s%d passed, %d failed\n' "$summary" "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
