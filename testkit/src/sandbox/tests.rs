#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

/// Only root can create namespaces; the container and cluster tests, which need root, cover the rest.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn a_sandbox_runs_its_setup_before_it_counts_as_started() {
    if !is_root() {
        return;
    }
    let builder = Sandbox::builder("test").unwrap().setup(r#"echo "$2" >"$1/file""#).argument("text");
    let sandbox = builder.start().unwrap();
    assert_eq!(fs::read_to_string(sandbox.dir().join("file")).unwrap(), "text\n");
    assert_eq!(sandbox.run("ip", &["-brief", "link"]).unwrap().lines().count(), 1, "only a loopback interface");
}

#[test]
fn a_failed_setup_is_an_error_with_its_output() {
    if !is_root() {
        return;
    }
    let builder = Sandbox::builder("test").unwrap().setup("echo the reason; false");
    let error = format!("{:#}", builder.start().unwrap_err());
    assert!(error.contains("the reason"), "{error}");
}

#[test]
fn a_dropped_sandbox_ends_its_processes_and_removes_its_directory() {
    if !is_root() {
        return;
    }
    let sandbox = Sandbox::builder("test").unwrap().start().unwrap();
    let log = sandbox.dir().join("sleep.log");
    let process = Process::start(sandbox.command("sleep").arg("60"), &log).unwrap();
    let (network, dir) = (sandbox.network(), sandbox.dir().to_path_buf());
    assert!(network.run(|| Ok(())).is_ok());
    drop(sandbox);
    process.wait(TIMEOUT).unwrap();
    assert!(!dir.exists());
    assert!(network.run(|| Ok(())).is_err());
}
