// The Prometheus Operator's resource types, for the cluster's tests: they let the API server check the monitors and the
// rules of deploy/kubernetes. Nothing of it is compiled.
module prometheus-operator-types

go 1.24.0

require github.com/prometheus-operator/prometheus-operator v0.85.0
