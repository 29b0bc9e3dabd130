//! `strip-aot FILE…`: strips files from `wasmedge compile x.wasm x.so` in place.

use std::fs;
use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use strip_aot::{Outcome, strip};
use wasm_lower::file;

fn main() -> Result<()> {
    let files: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    ensure!(!files.is_empty(), "usage: strip-aot FILE…");
    for path in files {
        let name = path.display();
        let mut content = fs::read(&path).with_context(|| format!("cannot read {name}"))?;
        let outcome = strip(&mut content).with_context(|| format!("cannot strip {name}"))?;
        match outcome {
            Outcome::Stripped { before, after } => {
                file::write(&path, &content)?;
                writeln!(stdout(), "{name}: the embedded module had {before} bytes and has {after}")?;
            }
            Outcome::Unchanged { version } => {
                writeln!(stdout(), "{name}: unchanged, its format {version} may be interpreted")?;
            }
        }
    }
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
        file::write(&link, b"after")?;
        assert_eq!(fs::read(&file)?, b"after");
        assert_eq!(fs::metadata(&file)?.permissions().mode() & 0o777, 0o751);
        assert_eq!(fs::read_dir(directory.path())?.count(), 2, "no other file is left");
        Ok(())
    }
}
