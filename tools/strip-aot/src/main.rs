//! `strip-aot FILE…`: strips files from `wasmedge compile x.wasm x.so` in place.

use std::fs;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use strip_aot::{Outcome, strip};
use tempfile::NamedTempFile;

fn main() -> Result<()> {
    let files: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    ensure!(!files.is_empty(), "usage: strip-aot FILE…");
    for path in files {
        let name = path.display();
        let mut content = fs::read(&path).with_context(|| format!("cannot read {name}"))?;
        let outcome = strip(&mut content).with_context(|| format!("cannot strip {name}"))?;
        match outcome {
            Outcome::Stripped { before, after } => {
                replace(&path, &content).with_context(|| format!("cannot write {name}"))?;
                writeln!(stdout(), "{name}: the embedded module had {before} bytes and has {after}")?;
            }
            Outcome::Unchanged { version } => {
                writeln!(stdout(), "{name}: unchanged, its format {version} may be interpreted")?;
            }
        }
    }
    Ok(())
}

/// Replaces a file and keeps its mode. After an error the file is as it was, and no other one is left.
fn replace(path: &Path, content: &[u8]) -> Result<()> {
    // The file behind a symbolic link is replaced, not the link.
    let path = fs::canonicalize(path)?;
    let mut partial = NamedTempFile::new_in(path.parent().context("the path has no directory")?)?;
    partial.write_all(content)?;
    partial.as_file().set_permissions(fs::metadata(&path)?.permissions())?;
    partial.persist(&path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_file_is_replaced_with_its_mode_and_through_a_symbolic_link() -> Result<()> {
        let directory = tempfile::tempdir()?;
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&file, "before")?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o751))?;
        symlink("file", &link)?;
        replace(&link, b"after")?;
        assert_eq!(fs::read(&file)?, b"after");
        assert_eq!(fs::metadata(&file)?.permissions().mode() & 0o777, 0o751);
        assert_eq!(fs::read_dir(directory.path())?.count(), 2, "no other file is left");
        Ok(())
    }
}
