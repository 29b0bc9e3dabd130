//! WasmEdge's command line: the module's environment, and the directories that it may read.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::runtime;

/// Its file `uuid` holds 122 fresh bits of the kernel's generator at each read. WasmEdge opens directories only. All of
/// `/dev` would give a module that root runs the machine's disks as well.
const KERNEL_RANDOM: &str = "/proc/sys/kernel/random";

/// The directories of the host that a module may read, each under its own path. It can write nowhere.
#[derive(Clone, Debug)]
pub struct FileAccess {
    directories: Vec<PathBuf>,
}

impl Default for FileAccess {
    /// The kernel's random numbers only.
    fn default() -> Self {
        Self { directories: vec![PathBuf::from(KERNEL_RANDOM)] }
    }
}

impl FileAccess {
    /// Adds the directory of `file`, an absolute path. A directory that does not exist is left out: the module then
    /// reports that it cannot read the file.
    ///
    /// # Errors
    /// When the path has a colon, which separates the parts of WasmEdge's option, or when the file is in the root
    /// directory, which would give the module all files.
    pub fn allow(&mut self, file: &Path) -> Result<()> {
        let Some(directory) = file.parent().filter(|path| path.is_absolute() && path.is_dir()) else { return Ok(()) };
        let text = directory.to_str().with_context(|| format!("{} is not UTF-8", directory.display()))?;
        ensure!(!text.contains(':'), "{text} has a colon, which WasmEdge's option --dir cannot express");
        ensure!(text != "/", "{} is in the root directory: put it into a directory of its own", file.display());
        if !self.directories.iter().any(|known| known == directory) {
            self.directories.push(directory.to_path_buf());
        }
        Ok(())
    }

    fn arguments(&self) -> impl Iterator<Item = String> + '_ {
        self.directories.iter().flat_map(|directory| {
            let path = directory.display();
            ["--dir".to_owned(), format!("{path}:{path}:readonly")]
        })
    }
}

/// WasmEdge with this environment and access to these files.
#[must_use]
pub fn wasmedge<'a>(
    program: &Path,
    files: &FileAccess,
    environment: impl Iterator<Item = (&'a str, &'a str)>,
) -> Command {
    let mut command = runtime::command(program);
    command.args(files.arguments());
    for (name, value) in environment {
        command.arg("--env").arg(format!("{name}={value}"));
    }
    command.arg(program);
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TempDir;

    fn arguments(files: &FileAccess) -> Vec<String> {
        files.arguments().collect()
    }

    #[test]
    fn a_module_may_read_the_directories_of_its_files_once_each() -> Result<()> {
        let dir = TempDir::new()?;
        let mut files = FileAccess::default();
        let random = ["--dir", "/proc/sys/kernel/random:/proc/sys/kernel/random:readonly"];
        assert_eq!(arguments(&files), random);
        files.allow(&dir.path().join("url"))?;
        files.allow(&dir.path().join("ca.pem"))?;
        let path = dir.path().display();
        let own = format!("{path}:{path}:readonly");
        assert_eq!(arguments(&files), [random[0], random[1], "--dir", own.as_str()]);
        Ok(())
    }

    #[test]
    fn a_directory_that_does_not_exist_is_left_out() -> Result<()> {
        let mut files = FileAccess::default();
        files.allow(Path::new("/there/is/no/such/file"))?;
        assert_eq!(arguments(&files).len(), 2);
        Ok(())
    }

    #[test]
    fn the_root_directory_and_a_colon_are_refused() -> Result<()> {
        let dir = TempDir::new()?;
        let colon = dir.path().join("a:b");
        std::fs::create_dir(&colon)?;
        let mut files = FileAccess::default();
        for file in [Path::new("/secret"), &colon.join("secret")] {
            assert!(files.allow(file).is_err(), "{}", file.display());
        }
        Ok(())
    }
}
