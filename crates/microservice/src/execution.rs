//! How the module is run: as machine code, or by an interpreter, which takes some twenty times the CPU time.
//!
//! A module cannot ask its runtime. WasmEdge since 0.17 interprets compiled files unless `--run-mode aot` is given, and
//! logs nothing (docs/PLATFORM.md). So the kit measures the time of a short loop.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// The steps of one measurement.
const STEPS: u32 = 1_000;

/// A measurement takes longer than this only in the interpreter. Measured on one machine: 1.6 µs natively, 1.7 µs
/// compiled by WasmEdge (3.3 µs without rustc's optimisation), 115 to 160 µs in WasmEdge's interpreter.
const MAX_COMPILED: Duration = Duration::from_micros(15);

/// The fastest of so many measurements counts: on a loaded machine others are interrupted. In the interpreter they take
/// about a millisecond, all together.
const MEASUREMENTS: usize = 8;

/// How the process executes its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Execution {
    /// A native program, without WebAssembly.
    Native,
    /// A module that was compiled ahead of time or just in time.
    Compiled,
    /// A module in an interpreter.
    Interpreted,
}

impl Execution {
    /// Measures how this process is executed. Takes a few microseconds, in the interpreter about a millisecond.
    pub(crate) fn measure() -> Self {
        if cfg!(not(target_os = "wasi")) {
            Self::Native
        } else if is_fast(loop_time, MEASUREMENTS) {
            Self::Compiled
        } else {
            Self::Interpreted
        }
    }

    /// Logs one line if the module is interpreted: a warning, unless that is `allowed`.
    pub(crate) fn log_if_interpreted(self, allowed: bool) {
        match (self, allowed) {
            (Self::Interpreted, true) => tracing::info!("WasmEdge interprets this module, as ALLOW_INTERPRETER allows"),
            (Self::Interpreted, false) => tracing::warn!(
                "WasmEdge interprets this module: compile it (wasmedge compile); WasmEdge 0.17 also needs --run-mode aot"
            ),
            (Self::Native | Self::Compiled, _) => {}
        }
    }

    /// The value in the log.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Compiled => "compiled",
            Self::Interpreted => "interpreted",
        }
    }
}

/// Whether one of these measurements is as fast as machine code. The first one that is ends them.
fn is_fast(mut measure: impl FnMut() -> Duration, measurements: usize) -> bool {
    (0..measurements).any(|_| measure() <= MAX_COMPILED)
}

/// The time of the loop. Each step depends on the one before, so no compiler can shorten it.
fn loop_time() -> Duration {
    let start = Instant::now();
    let mut state = black_box(0x2545_F491_u32);
    for _ in 0..STEPS {
        // Marsaglia, "Xorshift RNGs" (2003): any arithmetic would do.
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
    }
    black_box(state);
    start.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The result of measurements that take so many microseconds, and how many were made.
    fn measured(micros: &[u64]) -> (bool, usize) {
        let mut made = 0;
        let mut next = micros.iter().copied().map(Duration::from_micros);
        let result = is_fast(
            || {
                made += 1;
                next.next().unwrap_or(Duration::MAX)
            },
            micros.len(),
        );
        (result, made)
    }

    #[test]
    fn one_undisturbed_measurement_shows_machine_code() {
        assert_eq!(measured(&[3, 3, 3]), (true, 1));
        assert_eq!(measured(&[4_000, 90, 3, 3]), (true, 3));
    }

    #[test]
    fn only_slow_measurements_show_an_interpreter() {
        assert_eq!(measured(&[90, 60, 4_000, 70]), (false, 4));
    }

    #[test]
    fn the_tests_run_natively_or_in_the_interpreter() {
        let expected = if cfg!(target_os = "wasi") { Execution::Interpreted } else { Execution::Native };
        assert_eq!(Execution::measure(), expected);
    }
}
