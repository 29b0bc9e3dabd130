//! Only tests: `tests/page.rs`.
