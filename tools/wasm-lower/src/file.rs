//! Writes files so that no reader sees a part of one.

use std::fs::{self, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use tempfile::Builder;

/// Writes a file: a reader sees the old one or the new one, and after an error the old one is there. The mode of an
/// existing file stays. What is no regular file, such as `/dev/stdout`, is written to.
///
/// # Errors
/// When the directory cannot be written to, or the disk is full.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let context = || format!("cannot write {}", path.display());
    match fs::metadata(path) {
        // The file behind a symbolic link is replaced, not the link.
        Ok(old) if old.is_file() => replace(&fs::canonicalize(path)?, bytes, Some(old.permissions())),
        Ok(_) => Ok(fs::write(path, bytes)?),
        Err(error) if error.kind() == ErrorKind::NotFound => replace(path, bytes, None),
        Err(error) => Err(error.into()),
    }
    .with_context(context)
}

/// The temporary file is removed unless all of it could be written. The process's umask decides on the mode of a new
/// file.
fn replace(path: &Path, bytes: &[u8], permissions: Option<Permissions>) -> Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let new = Permissions::from_mode(0o666);
    let mut partial = Builder::new().permissions(new).suffix(".partial").tempfile_in(directory)?;
    partial.write_all(bytes)?;
    if let Some(permissions) = permissions {
        partial.as_file().set_permissions(permissions)?;
    }
    partial.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_is_replaced_with_its_mode_and_through_a_symbolic_link() -> Result<()> {
        let directory = tempfile::tempdir()?;
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        write(&file, b"first")?;
        fs::set_permissions(&file, Permissions::from_mode(0o626))?;
        symlink("file", &link)?;
        write(&link, b"second")?;
        assert_eq!(fs::read(&file)?, b"second");
        assert_eq!(fs::metadata(&file)?.permissions().mode() & 0o777, 0o626);
        assert!(fs::symlink_metadata(&link)?.is_symlink());
        assert_eq!(fs::read_dir(directory.path())?.count(), 2, "no partial file is left");
        Ok(())
    }

    #[test]
    fn a_failed_write_leaves_no_partial_file() -> Result<()> {
        let directory = tempfile::tempdir()?;
        assert!(write(&directory.path().join("missing/file"), b"x").is_err());
        let target = directory.path().join("directory");
        fs::create_dir(&target)?;
        assert!(write(&target, b"x").is_err());
        assert_eq!(fs::read_dir(directory.path())?.count(), 1);
        Ok(())
    }

    #[test]
    fn a_device_is_written_to_and_stays() -> Result<()> {
        write(Path::new("/dev/null"), b"x")?;
        assert!(!fs::metadata("/dev/null")?.is_file());
        Ok(())
    }
}
