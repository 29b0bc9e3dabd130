//! The cluster tests are in `tests/`; the package `cluster` provides the cluster.
