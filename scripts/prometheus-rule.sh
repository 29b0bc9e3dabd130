#!/bin/sh
# Writes the Prometheus Operator's form of deploy/prometheus/rules.yml into the Kubernetes component.
#
#   scripts/prometheus-rule.sh           writes it
#   scripts/prometheus-rule.sh --check   fails where it is not what would be written
set -eu
cd "$(dirname "$0")/.."
target=deploy/kubernetes/components/prometheus-rules/prometheusrule.yaml

rule() {
    cat <<'HEAD'
# Written by scripts/prometheus-rule.sh from deploy/prometheus/rules.yml, which explains the rules.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: order-service
  labels:
    app.kubernetes.io/name: order-service
    app.kubernetes.io/instance: order-service
    app.kubernetes.io/component: service
    app.kubernetes.io/part-of: order-service
    app.kubernetes.io/managed-by: kustomize
spec:
HEAD
    sed -n '/^groups:/,$s/^\(.\)/  \1/p; /^groups:/,$s/^$//p' deploy/prometheus/rules.yml
}

case ${1-} in
'') rule >"$target" ;;
--check)
    rule | cmp -s - "$target" || {
        echo "prometheus-rule: $target differs from deploy/prometheus/rules.yml: run scripts/prometheus-rule.sh" >&2
        exit 1
    }
    ;;
*) echo "usage: scripts/prometheus-rule.sh [--check]" >&2; exit 2 ;;
esac
