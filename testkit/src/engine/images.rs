//! The project's images, built on the engine by `scripts/image.sh`.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStderr, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Engine;

/// A long build prints a line of its output this often.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(10);

impl Engine {
    /// Runs `scripts/image.sh` with `arguments`, such as `build aot`, and returns its standard output. The first build
    /// on a machine takes minutes and shows its progress on standard error. Later builds use the build cache.
    ///
    /// # Errors
    /// When it fails, with the output of the script and the build.
    pub fn image_script(&self, arguments: &[&str]) -> Result<String> {
        if self.may_reuse_images(arguments) {
            return Ok(String::new());
        }
        let mut command = self.command("scripts/image.sh");
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().context("cannot run scripts/image.sh")?;
        let log = follow(child.stderr.take().context("no standard error")?, &arguments.join(" "));
        // Standard output is a few lines; they fit into the pipe's buffer.
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!("scripts/image.sh {} ended with {}:\n{log}", arguments.join(" "), output.status);
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// With `ORDER_SERVICE_IMAGES_AS_THEY_ARE` set, existing images are not rebuilt. This is for work on the tests.
    fn may_reuse_images(&self, arguments: &[&str]) -> bool {
        let (prefix, names) = match arguments {
            ["build", targets @ ..] => ("order-service:", targets),
            ["helper", names @ ..] => ("orders-", names),
            _ => return false,
        };
        let exists = |name: &&str| self.docker_cli(&["image", "inspect", &format!("{prefix}{name}")]).is_ok();
        env::var_os("ORDER_SERVICE_IMAGES_AS_THEY_ARE").is_some() && names.iter().all(exists)
    }

    /// Saves an image as an OCI archive.
    ///
    /// # Errors
    /// When the engine does not have the image.
    pub fn save(&self, image: &str, tar: &Path) -> Result<()> {
        self.docker_cli(&["save", "--output", &tar.display().to_string(), image]).map(drop)
    }
}

/// Collects a build's output and prints a line of it at intervals.
fn follow(stderr: ChildStderr, what: &str) -> String {
    let (start, mut shown, mut log) = (Instant::now(), Instant::now(), String::new());
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        if shown.elapsed() >= PROGRESS_INTERVAL && !line.trim().is_empty() {
            shown = Instant::now();
            // The test runner captures `eprintln!`, but not a write to standard error.
            let _ = writeln!(std::io::stderr(), "image.sh {what}: {:4.0} s  {line}", start.elapsed().as_secs_f64());
        }
        log.push_str(&line);
        log.push('\n');
    }
    log
}
