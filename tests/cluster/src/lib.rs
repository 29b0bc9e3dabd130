//! The cluster tests are in `tests/`; the cluster they run on is the package `cluster`.
