//! A lowered file beside the file that cargo writes, made again when that has changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::{Options, Report, SECTION, custom_section, file, fnv, lower_with_key};

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
    if custom_section(&wasm, SECTION).is_some() {
        return Ok(Cached { path: input.to_owned(), made: None });
    }
    let key = key(&wasm, options);
    if fs::read(&path).is_ok_and(|old| custom_section(&old, SECTION) == Some(contents(&key).as_slice())) {
        return Ok(Cached { path, made: None });
    }
    let start = Instant::now();
    let lowered = lower_with_key(&wasm, options, &key).with_context(|| format!("cannot lower {}", input.display()))?;
    fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    file::write(&path, &lowered.module)?;
    Ok(Cached { path, made: Some((lowered.report, start.elapsed())) })
}

/// The source of this crate, as far as the output depends on it. Another source makes other outputs.
const SOURCES: [&[u8]; 10] = [
    include_bytes!("analysis.rs"),
    include_bytes!("bulk.rs"),
    include_bytes!("cache.rs"),
    include_bytes!("custom.rs"),
    include_bytes!("dispatch.rs"),
    include_bytes!("file.rs"),
    include_bytes!("fnv.rs"),
    include_bytes!("lib.rs"),
    include_bytes!("report.rs"),
    include_bytes!("rewrite.rs"),
];

/// The content of the custom section of an output with this key.
pub(crate) fn contents(key: &str) -> Vec<u8> {
    format!("{} {:032x} {key}", env!("CARGO_PKG_VERSION"), fnv::hash(&SOURCES)).into_bytes()
}

/// Differs for each input and each set of options.
fn key(wasm: &[u8], options: Options) -> String {
    format!("{:032x} {options:?}", fnv::hash(&[wasm]))
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
