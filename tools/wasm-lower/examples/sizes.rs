//! Measures copies and fills of each size in WasmEdge's compiled code: the instruction, a function for the size, and
//! the function for all sizes. The limits in `Options::default` follow from the table that this prints:
//!
//! ```console
//! cargo run --package wasm-lower --example sizes --target x86_64-unknown-linux-gnu
//! ```
#![expect(clippy::print_stdout, reason = "its output")]

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use wasm_lower::{Options, lower};

const SIZES: [u32; 23] =
    [1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 80, 96, 112, 128, 160, 192, 256, 384, 512, 1024, 1536, 2048, 4096];

/// The fastest of this number of runs counts: others are interrupted.
const RUNS: usize = 9;

const COUNT: u32 = 300_000;

/// How a column copies and fills.
struct Way {
    name: &'static str,
    options: Option<Options>,
    /// The size is an operand. A compiler cannot shorten the function for all sizes then.
    dynamic: bool,
}

const WAYS: [Way; 3] = [
    Way { name: "instruction", options: None, dynamic: false },
    Way { name: "function for the size", options: Some(options(4096)), dynamic: false },
    Way { name: "function for all sizes", options: Some(options(0)), dynamic: true },
];

const fn options(max_constant: u32) -> Options {
    Options { indirect_calls: false, bulk_memory: true, simd: true, max_constant, max_loop: 4096 }
}

fn main() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let modules = WAYS.iter().map(|way| compile(directory.path(), way)).collect::<Result<Vec<_>>>()?;
    for instruction in ["copy", "fill"] {
        let titles: String = WAYS.iter().map(|way| format!(" {} |", way.name)).collect();
        println!("\n| `memory.{instruction}`, bytes |{titles}\n|---:|{}", "---:|".repeat(WAYS.len()));
        for size in SIZES {
            let times = modules.iter().map(|module| nanoseconds(module, instruction, size));
            let times = times.collect::<Result<Vec<_>>>()?;
            println!("| {size} |{}", times.iter().map(|time| format!(" {time:.1} |")).collect::<String>());
        }
    }
    Ok(())
}

/// A module with a function for each size, which takes a number of repetitions and the size, and returns nanoseconds.
fn module(dynamic: bool) -> Result<Vec<u8>> {
    let mut text = String::from(
        r#"(module
        (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
        (memory (export "memory") 2)
        (func $now (result i64)
            (drop (call $clock (i32.const 1) (i64.const 1) (i32.const 0))) (i64.load (i32.const 0)))"#,
    );
    // The addresses differ in each repetition and are not aligned. Source and target do not overlap.
    let target = "(i32.add (i32.const 8192) (i32.and (local.get $count) (i32.const 4095)))";
    let source = "(i32.add (i32.const 32768) (i32.and (i32.mul (local.get $count) (i32.const 7)) (i32.const 4095)))";
    for size in SIZES {
        let operand_of_size = if dynamic { "(local.get $size)".to_owned() } else { format!("(i32.const {size})") };
        for (instruction, operand) in [("copy", source), ("fill", "(local.get $count)")] {
            write!(
                text,
                r#"(func (export "{instruction}{size}") (param $count i32) (param $size i32) (result i64)
                    (local $start i64)
                    (local.set $start (call $now))
                    (loop
                        (memory.{instruction} {target} {operand} {operand_of_size})
                        (br_if 0 (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
                    (i64.sub (call $now) (local.get $start)))"#
            )?;
        }
    }
    Ok(wat::parse_str(text + ")")?)
}

fn compile(directory: &Path, way: &Way) -> Result<PathBuf> {
    let name = way.name;
    let mut wasm = module(way.dynamic)?;
    if let Some(options) = way.options {
        wasm = lower(&wasm, options)?.module;
    }
    let (input, output) = (directory.join(format!("{name}.wasm")), directory.join(format!("{name}.so")));
    fs::write(&input, wasm)?;
    run(Command::new("wasmedge").arg("compile").args([&input, &output]))?;
    Ok(output)
}

/// The time of one copy or fill.
fn nanoseconds(module: &Path, instruction: &str, size: u32) -> Result<f64> {
    let mut best = f64::INFINITY;
    for _ in 0..RUNS {
        let words = [format!("{instruction}{size}"), COUNT.to_string(), size.to_string()];
        let output = run(Command::new("wasmedge").arg("--reactor").arg(module).args(words))?;
        best = best.min(output.trim().parse::<f64>()? / f64::from(COUNT));
    }
    Ok(best)
}

fn run(command: &mut Command) -> Result<String> {
    let output = command.output().context("cannot run wasmedge")?;
    ensure!(output.status.success(), "{command:?} ended with {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}
