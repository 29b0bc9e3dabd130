//! The project's images, built on the engine by `scripts/image.sh`.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStderr, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Engine;

/// How often a long build shows where it stands.
const PROGRESS: Duration = Duration::from_secs(10);

impl Engine {
    /// Runs `scripts/image.sh` with `arguments`, such as `build aot`: what it wrote. The first build on a machine takes minutes and
    /// says where it stands on standard error; a later one finds its layers in the build's cache.
    ///
    /// # Errors
    /// When it fails, with all that it and the build said.
    pub fn image_script(&self, arguments: &[&str]) -> Result<String> {
        if self.is_good_enough(arguments) {
            return Ok(String::new());
        }
        let mut command = self.command("scripts/image.sh");
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().context("cannot run scripts/image.sh")?;
        let said = follow(child.stderr.take().context("no standard error")?, &arguments.join(" "));
        // Its standard output is a few lines, which a pipe holds.
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!("scripts/image.sh {} ended with {}:\n{said}", arguments.join(" "), output.status);
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// For work on the tests themselves, `ORDER_SERVICE_IMAGES_AS_THEY_ARE`: what the engine has from the last time is not built again.
    fn is_good_enough(&self, arguments: &[&str]) -> bool {
        let (prefix, names) = match arguments {
            ["build", targets @ ..] => ("order-service:", targets),
            ["helper", names @ ..] => ("orders-", names),
            _ => return false,
        };
        let is_there = |name: &&str| self.docker_cli(&["image", "inspect", &format!("{prefix}{name}")]).is_ok();
        env::var_os("ORDER_SERVICE_IMAGES_AS_THEY_ARE").is_some() && names.iter().all(is_there)
    }

    /// Writes an image into `tar` as an OCI layout, as `docker save` does.
    ///
    /// # Errors
    /// When the engine does not have it.
    pub fn save(&self, image: &str, tar: &Path) -> Result<()> {
        self.docker_cli(&["save", "--output", &tar.display().to_string(), image]).map(drop)
    }
}

/// Reads what a build says to its end, and passes a line of it on every now and then.
fn follow(stderr: ChildStderr, what: &str) -> String {
    let (start, mut shown, mut said) = (Instant::now(), Instant::now(), String::new());
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        if shown.elapsed() >= PROGRESS && !line.trim().is_empty() {
            shown = Instant::now();
            // To standard error itself: `eprintln!` would be swallowed by the test runner.
            let _ = writeln!(std::io::stderr(), "image.sh {what}: {:4.0} s  {line}", start.elapsed().as_secs_f64());
        }
        said.push_str(&line);
        said.push('\n');
    }
    said
}
