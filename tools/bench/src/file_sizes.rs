//! Sizes of the program files.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result};
use testkit::{aot, artifacts};

use crate::memory::megabytes;
use crate::report::{TARGETS, target};

/// The target for the compressed `.wasm`, in bytes.
const MAX_GZIPPED_BYTES: u64 = 1_100_000;

/// The table.
pub(crate) fn measure() -> Result<String> {
    let wasm = artifacts::wasm()?;
    let compiled = aot::service()?;
    let native = artifacts::native()?;
    let mut text = String::from("### Files\n\n| | MB | gzip -9 MB |\n|---|---:|---:|\n");
    for (name, path) in [("`.wasm`", &wasm), ("compiled ahead of time", &compiled), ("native, dynamic", &native)] {
        let (bytes, gzipped) = (fs::metadata(path)?.len(), gzipped_bytes(path)?);
        text += &format!("| {name} | {} | {} |\n", megabytes(bytes), megabytes(gzipped));
    }
    let gzipped = gzipped_bytes(&wasm)?;
    let measured = format!("{:.3} MB", f64::from(u32::try_from(gzipped)?) / 1e6);
    let met = gzipped <= MAX_GZIPPED_BYTES;
    Ok(format!("{text}\n{TARGETS}{}", target("`.wasm` ≤ 1.1 MB compressed", &measured, met)))
}

fn gzipped_bytes(path: &Path) -> Result<u64> {
    let content = fs::read(path)?;
    let mut gzip = Command::new("gzip").arg("-9c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut input = gzip.stdin.take().context("gzip has no input")?;
    let writer = thread::spawn(move || input.write_all(&content));
    let output = gzip.wait_with_output()?;
    writer.join().map_err(|_| anyhow::anyhow!("the writer to gzip panicked"))??;
    Ok(output.stdout.len() as u64)
}
