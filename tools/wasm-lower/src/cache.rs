//! A lowered file beside the file that cargo writes, made again when that has changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use wasmparser::{Parser, Payload};

use crate::{Options, Report, SECTION, lower_with_key};

/// The result of [`lower_file`].
#[derive(Debug)]
pub struct Cached {
    /// The lowered file.
    pub path: PathBuf,
    /// What was replaced and how long it took; `None` where the file was there.
    pub made: Option<(Report, Duration)>,
}

/// Lowers `input` to `directory/NAME.wasm`, unless that file was made from the same bytes with the same options by the
/// same source of this crate. The file appears whole: a reader sees the old one or the new one. An input that was
/// lowered already is its own result.
///
/// # Errors
/// As [`lower`](crate::lower); and when a file cannot be read or written.
pub fn lower_file(input: &Path, directory: &Path, options: Options) -> Result<Cached> {
    // Threads that need the same file must not write it at the same time.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let wasm = fs::read(input).with_context(|| format!("cannot read {}", input.display()))?;
    let name = input.file_name().context("the path names no file")?;
    let path = directory.join(name);
    if section(&wasm).is_some() {
        return Ok(Cached { path: input.to_owned(), made: None });
    }
    let key = key(&wasm, options);
    if fs::read(&path).is_ok_and(|existing| section(&existing) == Some(contents(&key))) {
        return Ok(Cached { path, made: None });
    }
    let start = Instant::now();
    let lowered = lower_with_key(&wasm, options, &key).with_context(|| format!("cannot lower {}", input.display()))?;
    fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    write(&path, &lowered.module)?;
    Ok(Cached { path, made: Some((lowered.report, start.elapsed())) })
}

/// Writes a file so that no reader sees a part of it.
///
/// # Errors
/// When the directory cannot be written to.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let partial = path.with_extension(format!("{}.partial", std::process::id()));
    fs::write(&partial, bytes).with_context(|| format!("cannot write {}", partial.display()))?;
    fs::rename(&partial, path).with_context(|| format!("cannot write {}", path.display()))
}

/// The source of this crate, as far as the output depends on it. Another source makes other outputs.
const SOURCES: [&[u8]; 7] = [
    include_bytes!("analysis.rs"),
    include_bytes!("bulk.rs"),
    include_bytes!("cache.rs"),
    include_bytes!("dispatch.rs"),
    include_bytes!("lib.rs"),
    include_bytes!("report.rs"),
    include_bytes!("rewrite.rs"),
];

/// The content of the custom section of an output with this key.
pub(crate) fn contents(key: &str) -> Vec<u8> {
    let source = SOURCES.iter().fold(FNV_START, |hash, file| fnv(hash, file));
    format!("{} {source:032x} {key}", env!("CARGO_PKG_VERSION")).into_bytes()
}

fn section(wasm: &[u8]) -> Option<Vec<u8>> {
    Parser::new(0).parse_all(wasm).find_map(|payload| match payload {
        Ok(Payload::CustomSection(section)) if section.name() == SECTION => Some(section.data().to_vec()),
        _ => None,
    })
}

/// Differs for each input, each set of options.
fn key(wasm: &[u8], options: Options) -> String {
    format!("{:032x} {options:?}", fnv(FNV_START, wasm))
}

const FNV_START: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;

/// FNV-1a, 128 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>): a cache key, not a cryptographic hash.
fn fnv(start: u128, bytes: &[u8]) -> u128 {
    bytes
        .iter()
        .fold(start, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_has_every_file_of_the_source() -> Result<()> {
        let main = "main.rs";
        let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<Vec<_>>>()?;
        for file in files.iter().filter(|file| !file.ends_with(main)) {
            assert!(SOURCES.contains(&fs::read(file)?.as_slice()), "{} is missing", file.display());
        }
        Ok(())
    }
}
