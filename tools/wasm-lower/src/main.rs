//! `wasm-lower INPUT.wasm -o OUTPUT.wasm`, or `wasm-lower --into DIRECTORY INPUT.wasm…`, which prints each path.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fs, io};

use anyhow::{Context, Result, bail};
use wasm_lower::{Options, Report, file, lower, lower_file};

const USAGE: &str = "\
usage: wasm-lower [OPTION…] INPUT.wasm -o OUTPUT.wasm
       wasm-lower [OPTION…] --into DIRECTORY INPUT.wasm…

The second form keeps files that are up to date and prints the path of each output.

  --no-calls   leave call_indirect as it is
  --no-memory  leave memory.copy and memory.fill as they are
  --no-simd    use no instructions of the SIMD proposal
  --quiet      report nothing but errors
";

#[derive(Default)]
struct Arguments {
    options: Options,
    quiet: bool,
    output: Option<PathBuf>,
    directory: Option<PathBuf>,
    inputs: Vec<PathBuf>,
}

fn main() -> ExitCode {
    match parse(env::args_os().skip(1)).and_then(|arguments| run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print(io::stderr(), &format!("wasm-lower: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn parse(mut words: impl Iterator<Item = OsString>) -> Result<Arguments> {
    let mut arguments = Arguments::default();
    while let Some(word) = words.next() {
        let mut value = || words.next().map(PathBuf::from).with_context(|| format!("{word:?} needs a value\n{USAGE}"));
        match word.to_str() {
            Some("--no-calls") => arguments.options.indirect_calls = false,
            Some("--no-memory") => arguments.options.bulk_memory = false,
            Some("--no-simd") => arguments.options.simd = false,
            Some("--quiet") => arguments.quiet = true,
            Some("-o") => arguments.output = Some(value()?),
            Some("--into") => arguments.directory = Some(value()?),
            Some(option) if option.starts_with('-') => bail!("unknown option {option}\n{USAGE}"),
            _ => arguments.inputs.push(word.into()),
        }
    }
    Ok(arguments)
}

fn run(arguments: &Arguments) -> Result<()> {
    match (&arguments.output, &arguments.directory, arguments.inputs.as_slice()) {
        (Some(output), None, [input]) => lower_one(arguments, input, output),
        (None, Some(directory), [_, ..]) => lower_all(arguments, directory),
        _ => bail!("{USAGE}"),
    }
}

fn lower_one(arguments: &Arguments, input: &Path, output: &Path) -> Result<()> {
    let wasm = fs::read(input).with_context(|| format!("cannot read {}", input.display()))?;
    let start = Instant::now();
    let lowered = lower(&wasm, arguments.options).with_context(|| format!("cannot lower {}", input.display()))?;
    file::write(output, &lowered.module)?;
    report(arguments, output, &lowered.report, start.elapsed());
    Ok(())
}

fn lower_all(arguments: &Arguments, directory: &Path) -> Result<()> {
    for input in &arguments.inputs {
        let cached = lower_file(input, directory, arguments.options)?;
        if let Some((lowered, took)) = cached.made {
            report(arguments, &cached.path, &lowered, took);
        }
        print(io::stdout(), &cached.path.to_string_lossy());
    }
    Ok(())
}

fn report(arguments: &Arguments, output: &Path, report: &Report, took: Duration) {
    if !arguments.quiet {
        let text = report.to_string().replace('\n', "\n  ");
        print(io::stderr(), &format!("wasm-lower: {} in {:.2} s\n  {text}", output.display(), took.as_secs_f64()));
    }
}

/// The output may be closed. That is no reason to panic.
fn print(mut stream: impl Write, line: &str) {
    let _ = writeln!(stream, "{line}");
}
