//! What `make audit` and `make release` compute. Each command prints JSON on standard output.
//!
//! | module | contents |
//! |---|---|
//! | `dependencies` | what `cargo metadata` and the lock file say |
//! | `forks` | the table of forks, with the upstream versions that they carry |
//! | `upstream` | `upstream-metadata`: cargo's metadata with upstream names, for cargo-deny |
//! | `sbom` | `sbom MODULE VERSION TIME`: the software bill of materials (CycloneDX 1.5) |
//! | `provenance` | `provenance FILE…`: how the artefacts were built (in-toto, SLSA 1.0) |

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use serde_json::Value;

mod dependencies;
mod forks;
mod provenance;
mod sbom;
mod upstream;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "release: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let json = match words.as_slice() {
        ["upstream-metadata", manifest] => upstream::metadata(Path::new(manifest))?,
        ["sbom", module, time] => sbom::of(Path::new(module), time)?,
        ["provenance", description, files @ ..] => provenance::of(Path::new(description), files)?,
        _ => bail!("usage: release upstream-metadata MANIFEST | sbom MODULE TIME | provenance DESCRIPTION FILE…"),
    };
    print(&json)
}

fn print(json: &Value) -> Result<()> {
    // On one line, as cargo prints its metadata.
    writeln!(std::io::stdout(), "{json}")?;
    Ok(())
}
