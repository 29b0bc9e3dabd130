//! How the module is run: as machine code, or by an interpreter, which takes some twenty times the CPU time.
//!
//! A module cannot ask its runtime. WasmEdge since 0.17 interprets compiled files unless `--run-mode aot` is given, and
//! logs nothing (docs/PLATFORM.md). So the kit measures the time of a short loop.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// The steps of the first measurements, about 17 µs as machine code. Reading even a slow clock takes less time.
const STEPS: u32 = 10_000;

/// A measurement that the clock shows as 0 is repeated with this many times its steps. The clock is too coarse for it.
const COARSE_CLOCK_FACTOR: u32 = 4;

/// The steps of the longest measurement: 1.1 ms as machine code, 70 ms or more in the interpreter. What a clock shows
/// as 0 even then is machine code: no interpreter is that fast, and no clock of a working system that coarse.
const MAX_STEPS: u32 = STEPS * COARSE_CLOCK_FACTOR.pow(3);

/// A step takes longer than this only in the interpreter. Measured on one machine: 1.6 ns natively, 1.7 ns compiled by
/// WasmEdge (3.3 ns without rustc's optimisation), 115 to 160 ns in WasmEdge's interpreter.
const MAX_COMPILED_STEP: Duration = Duration::from_nanos(15);

/// The number of measurements, of which the fastest counts: on a loaded machine others are interrupted. In the
/// interpreter they take about ten milliseconds together.
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
    /// Measures how this process is executed. Takes some 20 µs, in the interpreter about ten milliseconds.
    pub(crate) fn measure() -> Self {
        if cfg!(not(target_os = "wasi")) {
            Self::Native
        } else if is_fast(loop_time) {
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

/// Whether one of the measurements is as fast as machine code. The first one that is ends them. `measure` has the time
/// that a number of steps takes.
fn is_fast(mut measure: impl FnMut(u32) -> Duration) -> bool {
    let mut steps = STEPS;
    let mut measurements = 0;
    while measurements < MEASUREMENTS {
        let time = measure(steps);
        if time.is_zero() && steps < MAX_STEPS {
            steps *= COARSE_CLOCK_FACTOR;
            continue;
        }
        if time <= MAX_COMPILED_STEP * steps {
            return true;
        }
        measurements += 1;
    }
    false
}

/// The time of a loop of `steps`. Each step depends on the one before, so no compiler can shorten it.
fn loop_time(steps: u32) -> Duration {
    let start = Instant::now();
    let mut state = black_box(0x2545_F491_u32);
    for _ in 0..steps {
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

    /// The result where the measurements take these times in microseconds, and the steps of each that was made.
    fn measured(micros: &[u64]) -> (bool, Vec<u32>) {
        let mut made = Vec::new();
        let mut next = micros.iter().copied().map(Duration::from_micros);
        let result = is_fast(|steps| {
            made.push(steps);
            next.next().unwrap_or(Duration::MAX)
        });
        (result, made)
    }

    #[test]
    fn one_undisturbed_measurement_shows_machine_code() {
        assert_eq!(measured(&[17, 17, 17]), (true, vec![STEPS]));
        assert_eq!(measured(&[4_000, 900, 17, 17]), (true, vec![STEPS; 3]));
    }

    #[test]
    fn only_slow_measurements_show_an_interpreter() {
        assert_eq!(measured(&[1_200, 1_150, 4_000, 1_600]), (false, vec![STEPS; MEASUREMENTS]));
    }

    /// The result with a clock of this step, where a step of the loop takes `nanos`.
    fn with_clock_step(clock_step: Duration, nanos: u64) -> bool {
        let mut now = Duration::from_micros(777);
        let read =
            |now: Duration| clock_step * u32::try_from(now.as_nanos() / clock_step.as_nanos()).unwrap_or_default();
        is_fast(|steps| {
            let start = read(now);
            now += Duration::from_nanos(nanos) * steps;
            read(now) - start
        })
    }

    #[test]
    fn a_coarse_clock_neither_hides_nor_invents_an_interpreter() {
        for micros in [1, 10, 100, 1_000, 4_000, 10_000, 16_000] {
            let clock_step = Duration::from_micros(micros);
            assert!(with_clock_step(clock_step, 2), "{micros} µs: machine code");
            assert!(with_clock_step(clock_step, 4), "{micros} µs: machine code without optimisation");
            assert!(!with_clock_step(clock_step, 115), "{micros} µs: an interpreter");
        }
    }

    #[test]
    fn a_slow_clock_does_not_invent_an_interpreter() {
        // Emulators of system calls and tracers make a reading take tens of microseconds.
        assert!(is_fast(|steps| Duration::from_micros(100) + Duration::from_nanos(2) * steps));
        assert!(!is_fast(|steps| Duration::from_micros(100) + Duration::from_nanos(115) * steps));
    }

    #[test]
    fn a_clock_that_stands_still_ends_the_measurement() {
        assert_eq!(measured(&[0; 9]), (true, vec![STEPS, 4 * STEPS, 16 * STEPS, MAX_STEPS]));
    }

    #[test]
    fn the_tests_run_natively_or_in_the_interpreter() {
        let expected = if cfg!(target_os = "wasi") { Execution::Interpreted } else { Execution::Native };
        assert_eq!(Execution::measure(), expected);
    }
}
