#!/bin/sh
# Static checks: format, clippy for both targets, shell scripts, Kubernetes manifests.
set -eu
cd "$(dirname "$0")/.."
host=$(scripts/cargo.sh --host)

step() {
    printf '== %s\n' "$*"
    "$@"
}
step scripts/cargo.sh fmt --all --check
# Packages outside of the workspace, with lock files of their own.
for program in tests/e2e/guest tools/bench/hyper_server; do
    step scripts/cargo.sh fmt --check --manifest-path "$program/Cargo.toml"
done
step scripts/cargo.sh clippy --package order-service --package microservice \
    --package wasmedge_wasi_socket --package pipe_status --package getrandom@0.2.90 --package mysql_framing \
    --package regex@1.90.0 --all-targets -- -D warnings
step scripts/cargo.sh clippy --workspace --all-targets --target "$host" -- -D warnings
for script in scripts/*.sh deploy/mariadb/*.sh deploy/kubernetes/*/*/*.sh .ci/run; do
    step sh -n "$script"
done
command -v shellcheck >/dev/null 2>&1 || { echo "lint: shellcheck is missing: scripts/deps.sh lint" >&2; exit 1; }
step shellcheck -x scripts/*.sh deploy/mariadb/*.sh deploy/kubernetes/*/*/*.sh .ci/run
step scripts/lint-manifests.sh
echo "lint: passed"
