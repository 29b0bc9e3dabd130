//! For build scripts: a page's files as Rust constants, compressed once, with their entity tags.
//!
//! A service's `build.rs` calls [`embed`] with the directory of its page. The result is the value of a constant of type
//! `&[microservice::page::PageFile]`:
//!
//! ```text
//! use microservice::page::PageFile;
//! const PAGE: &[PageFile] = include!(concat!(env!("OUT_DIR"), "/page.rs"));
//! ```

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::{env, fs};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

/// The media types of a page's files, by the end of their names.
const MEDIA_TYPES: [(&str, &str); 5] = [
    ("html", "text/html; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("svg", "image/svg+xml"),
    ("json", "application/json"),
];

/// Writes `page.rs` into `OUT_DIR`, from the files of a directory beside the build script. Cargo runs the build script
/// again when one of them changes.
///
/// # Errors
/// A file cannot be read or written, or has a name that does not end like one of a page.
pub fn embed(directory: &str) -> io::Result<()> {
    let variable = |name| env::var_os(name).map(PathBuf::from).ok_or_else(|| io::Error::other("not a build script"));
    let (source, out) = (variable("CARGO_MANIFEST_DIR")?.join(directory), variable("OUT_DIR")?);
    fs::write(out.join("page.rs"), constants(&source, &out)?)?;
    writeln!(io::stdout(), "cargo::rerun-if-changed={directory}")
}

/// The files of the directory as the text of a constant. Their compressed bytes go into `out`.
fn constants(source: &Path, out: &Path) -> io::Result<String> {
    let entries: io::Result<Vec<_>> = fs::read_dir(source)?.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = entries?;
    // The same module from the same files.
    paths.sort();
    let mut text = String::from("&[\n");
    for path in paths {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let unknown = || io::Error::other(format!("{}: a page has no such files", path.display()));
        let media_type = media_type(name).ok_or_else(unknown)?;
        let content = fs::read(&path)?;
        let compressed = compress(&content)?;
        let file = out.join(format!("{name}.gz"));
        fs::write(&file, &compressed)?;
        let (tag, compressed_tag) = (tag(&content), tag(&compressed));
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "PageFile {{ name: {name:?}, media_type: {media_type:?}, length: {}, tag: {tag:?}, \
             compressed: include_bytes!({file:?}), compressed_tag: {compressed_tag:?} }},",
            content.len()
        );
    }
    text.push(']');
    Ok(text)
}

fn media_type(name: &str) -> Option<&'static str> {
    let (_, end) = name.rsplit_once('.')?;
    MEDIA_TYPES.iter().find(|(known, _)| *known == end).map(|(_, media_type)| *media_type)
}

/// Compresses without a name and a time: the same bytes each time.
fn compress(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    encoder.finish()
}

/// A strong entity tag (RFC 9110 §8.8.3), of the form that the kit's other tags have.
fn tag(content: &[u8]) -> String {
    let hash = Sha256::digest(content);
    let hex = hash.iter().take(16).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    format!("\"{hex}\"")
}
