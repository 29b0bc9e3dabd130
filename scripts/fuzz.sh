#!/bin/sh
# Fuzzes the targets of fuzz/ with libFuzzer, which looks for inputs that reach new code.
#
#   scripts/fuzz.sh [TARGET …]     all targets if none is named
#
# FUZZ_INPUTS (10000000) are divided among the targets; FUZZ_SECONDS (300) bounds each of them. What libFuzzer finds on
# the way is kept in target/fuzz-corpus/, where a later run goes on. An input that breaks a promise is written to
# fuzz/corpus/TARGET/ and fails the run. Commit it with the mend: `make test` runs it from then on.
set -eu
cd "$(dirname "$0")/.."
host=$(scripts/cargo.sh --host)
target_dir=${CARGO_TARGET_DIR:-target}

if [ $# -eq 0 ]; then
    cd fuzz/corpus
    set -- *
    cd ../..
fi
inputs=$((${FUZZ_INPUTS:-10000000} / $# + 1))
seconds=${FUZZ_SECONDS:-300}

# Dependencies are compiled without instrumentation, as everywhere.
RUSTC_WORKSPACE_WRAPPER=$PWD/scripts/fuzz-rustc.sh scripts/cargo.sh build --quiet --profile fuzz --package fuzz \
    --features libfuzzer --bin fuzz --target "$host"

failed=
for target in "$@"; do
    found=$target_dir/fuzz-corpus/$target
    log=$target_dir/fuzz-corpus/$target.log
    mkdir -p "$found"
    if FUZZ_TARGET=$target "$target_dir/$host/fuzz/fuzz" -runs="$inputs" -max_total_time="$seconds" -max_len=4096 \
        -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="fuzz/corpus/$target/" \
        "$found" "fuzz/corpus/$target" >"$log" 2>&1; then
        echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs, no fault;" \
            "$(sed -n 's/^#[0-9]*[[:space:]]*DONE *//p' "$log")"
    else
        failed="$failed $target"
        echo "$target: a fault; the end of $log:"
        tail -n 25 "$log"
    fi
done
[ -z "$failed" ] || { echo "fuzz: faults in$failed" >&2; exit 1; }
