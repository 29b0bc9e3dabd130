//! Nothing by itself: the tests are in `tests/`, one binary, `cargo test -p e2e`.
