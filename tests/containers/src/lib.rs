//! The container tests are in `tests/`; the engines they use are in `testkit`.
