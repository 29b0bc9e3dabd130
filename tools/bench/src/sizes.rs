//! The files.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result};
use testkit::{aot, artifacts};

use crate::memory::mb;

/// What a compressed `.wasm` may have, in bytes.
const AIM: u64 = 1_100_000;

/// The table.
pub(crate) fn measure() -> Result<String> {
    let wasm = artifacts::wasm()?;
    let compiled = aot::compiled(&wasm)?;
    let mut text = String::from("### Files\n\n| | MB | gzip -9 MB |\n|---|---:|---:|\n");
    let mut wasm_gzipped = 0;
    for (name, path) in
        [("`.wasm`", &wasm), ("compiled ahead of time", &compiled), ("native, dynamic", &artifacts::native()?)]
    {
        let (raw, gzipped) = (fs::metadata(path)?.len(), gzipped(path)?);
        if path == &wasm {
            wasm_gzipped = gzipped;
        }
        text += &format!("| {name} | {} | {} |\n", mb(raw), mb(gzipped));
    }
    let verdict = if wasm_gzipped <= AIM { "yes" } else { "**no**" };
    let reached = format!("{:.3}", f64::from(u32::try_from(wasm_gzipped)?) / 1e6);
    Ok(text
        + &format!(
            "\n| aim | reached | |\n|---|---:|---|\n| `.wasm` ≤ 1.1 MB compressed | {reached} MB | {verdict} |\n"
        ))
}

fn gzipped(path: &Path) -> Result<u64> {
    let content = fs::read(path)?;
    let mut gzip = Command::new("gzip").arg("-9c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut input = gzip.stdin.take().context("gzip has no input")?;
    let writer = thread::spawn(move || input.write_all(&content));
    let output = gzip.wait_with_output()?;
    writer.join().map_err(|_| anyhow::anyhow!("the writer to gzip panicked"))??;
    Ok(output.stdout.len() as u64)
}
