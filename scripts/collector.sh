#!/bin/sh
# Compiles the OpenTelemetry Collector of the tests (tools/collector) and prints its path.
#
# Each version is built once (a minute on two cores) and kept outside the work tree, in
# ${XDG_CACHE_HOME:-~/.cache}/order-service/collector. Progress goes to standard error.
set -eu
cd "$(dirname "$0")/../tools/collector"
# shellcheck source=scripts/go.sh
. ../../scripts/go.sh
say() { printf 'collector: %s\n' "$*" >&2; }

hash=$(cat go.mod go.sum main.go | sha256sum | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/order-service/collector
program=$cache/collector-$hash
if [ ! -x "$program" ]; then
    go=$(find_go) || { say "Go 1.24 or later is missing: scripts/deps.sh test"; exit 1; }
    mkdir -p "$cache"
    # The lock prevents two simultaneous builds.
    exec 9>"$cache/lock"
    flock 9
    if [ ! -x "$program" ]; then
        say "fetching and compiling it, once (a minute)"
        CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off GOFLAGS=-mod=readonly \
            "$go" build -trimpath -ldflags '-s -w' -o "$program.new" . >&2
        mv "$program.new" "$program"
    fi
fi
printf '%s\n' "$program"
