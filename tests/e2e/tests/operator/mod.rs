//! What docs/OPERATIONS.md promises an operator: rights at the database, backups, upgrades, files, log lines.

mod backups;
mod files;
mod grants;
mod log_level;
mod metrics;
mod page;
mod point_in_time;
mod prometheus;
mod proxy;
mod top;
mod versions;

use std::env;
use std::process::Command;

use e2e::{Client, TestApp};
use testkit::{artifacts, ports};

/// A service with an operator's listener.
pub(crate) struct Observed {
    pub(crate) app: TestApp,
    pub(crate) operator: Client,
}

impl Observed {
    pub(crate) fn spawn(env: &[(&str, &str)]) -> Self {
        let admin = format!("127.0.0.1:{}", ports::free().expect("a free port"));
        let app = TestApp::spawn_with(&[&[("ADMIN_ADDR", admin.as_str())], env].concat());
        Self { app, operator: Client::operators(&format!("http://{admin}")) }
    }
}

/// One of this project's tools, which `scripts/cargo.sh` builds, in the project's root.
fn tool(package: &str) -> Command {
    let root = artifacts::root();
    let target = format!("{}-unknown-linux-gnu", env::consts::ARCH);
    let build = ["build", "--quiet", "--package", package, "--target", &target];
    let status = Command::new(root.join("scripts/cargo.sh")).args(build).current_dir(&root).status().unwrap();
    assert!(status.success());
    let mut command = Command::new(artifacts::target_dir().join(target).join("debug").join(package));
    command.current_dir(root);
    command
}
