//! Only tests: `tests/api.rs`.
