#!/bin/sh
# Checks the Kubernetes manifests of all overlays and components by kube-score. An exception is an argument below, with
# its reason.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=scripts/go.sh
. scripts/go.sh
fail() { echo "lint-manifests: $*" >&2; exit 1; }

command -v kubectl >/dev/null 2>&1 || fail "kubectl is missing: scripts/deps.sh lint"
go=$(find_go) || fail "Go 1.24 or later is missing: scripts/deps.sh lint"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off GOFLAGS=-mod=readonly
"$go" build -C tools/kube-score -o "$work/kube-score" github.com/zegl/kube-score/cmd/kube-score

scripts/prometheus-rule.sh --check

# ignore TEST: the reason is in the comment above each call.
ignored=
ignore() { ignored="$ignored --ignore-test $1"; }
# A CPU limit throttles a process of one thread while processors are idle. The request reserves its share.
ignored="$ignored --ignore-container-cpu-limit"
# The images' users are 65534 and 999 by design: `nobody`, and `mysql` of MariaDB's own image, which owns its volume.
ignore container-security-context-user-group-id
# The containers write to volumes of their own, and to their logs, which the kubelet rotates.
ignore container-ephemeral-storage-request-and-limit
# topologySpreadConstraints do it, and also count pods of the same revision only.
ignore deployment-has-host-podantiaffinity

# Every overlay, and the components that no overlay has.
cp -R deploy/kubernetes "$work/kubernetes"
overlay() {
    mkdir "$work/kubernetes/overlays/$1"
    printf 'resources: [../crun]\ncomponents: [../../components/%s]\nnamespace: order-service\n' "$1" \
        >"$work/kubernetes/overlays/$1/kustomization.yaml"
}
overlay ingress
overlay backup
overlay tokens
overlay pod-monitor
overlay service-monitor
overlay collector
for directory in "$work"/kubernetes/overlays/*/; do
    name=$(basename "$directory")
    kubectl kustomize "$directory" >"$work/$name.yaml"
    # shellcheck disable=SC2086 # a list of words
    "$work/kube-score" score --output-format ci --kubernetes-version v1.34 $ignored "$work/$name.yaml" \
        >"$work/$name.txt" || {
        grep -v '^\[OK\]\|^\[SKIPPED\]' "$work/$name.txt" >&2
        fail "kube-score rejects the overlay $name (above)"
    }
    ! grep '^\[WARNING\]' "$work/$name.txt" >&2 || fail "kube-score warns of the overlay $name (above)"
done
echo "lint-manifests: kube-score accepts all overlays"
