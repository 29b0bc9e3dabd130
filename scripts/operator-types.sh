#!/bin/sh
# Prints the directory of the Prometheus Operator's resource types, of the version in tools/prometheus-operator/go.mod.
# Go fetches them once, and checks their hash.
set -eu
cd "$(dirname "$0")/../tools/prometheus-operator"
# shellcheck source=scripts/go.sh
. ../../scripts/go.sh
fail() { echo "operator-types: $*" >&2; exit 1; }

go=$(find_go) || fail "Go 1.24 or later is missing: scripts/deps.sh cluster"
module=github.com/prometheus-operator/prometheus-operator
export GOTOOLCHAIN=local GOWORK=off GOFLAGS=-mod=readonly
"$go" mod download "$module" >&2 || fail "the module cannot be fetched (above)"
"$go" mod download -json "$module" | sed -n 's,.*"Dir": "\(.*\)".*,\1/example/prometheus-operator-crd,p'
