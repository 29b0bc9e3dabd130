//! `strip-aot FILE…`: strips files from `wasmedge compile x.wasm x.so` in place.

use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use strip_aot::{Outcome, strip};

fn main() -> Result<()> {
    let files: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    ensure!(!files.is_empty(), "usage: strip-aot FILE…");
    for path in files {
        let name = path.display();
        let mut content = std::fs::read(&path).with_context(|| format!("cannot read {name}"))?;
        let outcome = strip(&mut content).with_context(|| format!("cannot strip {name}"))?;
        match outcome {
            Outcome::Stripped { before, after } => {
                std::fs::write(&path, content).with_context(|| format!("cannot write {name}"))?;
                writeln!(stdout(), "{name}: the embedded module had {before} bytes and has {after}")?;
            }
            Outcome::Unchanged { version } => {
                writeln!(stdout(), "{name}: unchanged, its format {version} may be interpreted")?;
            }
        }
    }
    Ok(())
}
