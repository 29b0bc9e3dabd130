//! The program that libFuzzer calls. `FUZZ_TARGET` names the target; the arguments are libFuzzer's.
#![no_main]
#![expect(clippy::panic, reason = "a panic is how a fault is reported")]

use std::sync::LazyLock;

use fuzz::Target;

/// The target of this run.
static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    fuzz::find(&name).unwrap_or_else(|| panic!("FUZZ_TARGET must name a target, not {name:?}"))
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    (TARGET.run)(input);
});
