#!/bin/sh
# rustc with the instrumentation that libFuzzer needs. fuzz.sh gives it to cargo for this repository's crates. These
# options work on stable Rust: https://llvm.org/docs/LibFuzzer.html, https://clang.llvm.org/docs/SanitizerCoverage.html.
exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares
