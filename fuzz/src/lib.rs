//! Fuzzing of everything that parses what strangers send.
//!
//! A target is a function from bytes to nothing that panics if a promise is broken. There are two ways to feed them:
//!
//! - `cargo test -p fuzz` (in `make test`): the corpus, and some thousand mutations of it, always the same ones;
//! - `make fuzz`: libFuzzer, which looks for inputs that reach new code.
//!
//! `corpus/TARGET/` holds the inputs to begin with, and those that once found a fault. A new target needs a row in
//! [`TARGETS`], a function in `targets/` and at least one file in its corpus.

pub mod corpus;
mod mutation;
mod targets;

pub use mutation::Mutator;

/// A function that is fuzzed.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The target's name, which is that of its directory in `corpus/`.
    pub name: &'static str,
    /// Runs it on an input. Panics if a promise is broken.
    pub run: fn(&[u8]),
    /// Pieces that valid inputs are made of.
    pub dictionary: &'static [&'static str],
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "order", run: targets::orders::one, dictionary: targets::orders::DICTIONARY },
    Target { name: "batch", run: targets::orders::batch, dictionary: targets::orders::DICTIONARY },
    Target { name: "money", run: targets::money::run, dictionary: &["0.", "e-2", "E+", "9999999999.99", "00000"] },
    Target {
        name: "query",
        run: targets::query::run,
        dictionary: &["limit=", "&after=", "id=", "%00", "+", "=&", "%"],
    },
    Target { name: "conditional", run: targets::conditional::run, dictionary: &["W/", "\"", "*", ", ", "\"\"", "\t"] },
    Target { name: "access", run: targets::access::head, dictionary: targets::access::DICTIONARY },
    Target { name: "trace", run: targets::trace::run, dictionary: targets::trace::DICTIONARY },
    Target { name: "jwt", run: targets::access::jwt, dictionary: &[".", "eyJhbGciOiJFUzI1NiJ9", "=", "-", "_"] },
    Target { name: "mysql", run: targets::mysql::run, dictionary: targets::mysql::DICTIONARY },
    Target {
        name: "driver",
        run: targets::driver::run,
        dictionary: &["\u{3}def", "mysql_native_password\0", "mysql_old_password\0", "#HY000", "\0\0\0", "\u{c}"],
    },
    Target { name: "dns", run: targets::dns::run, dictionary: &["\u{0}\u{1}\u{0}\u{1}", "\u{0}\u{1c}", "\u{3}www"] },
    Target { name: "variables", run: targets::variables::run, dictionary: targets::variables::DICTIONARY },
];

/// The target with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
