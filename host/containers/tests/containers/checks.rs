//! `make up` says in one line what is missing, before it starts anything.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use testbed::{Engine, TempDir, artifacts};

use crate::support::docker;

/// What `up.sh check` says with this environment; it must fail, with one line.
fn complaint(command: &mut Command) -> String {
    let output = command.arg("check").current_dir(artifacts::root()).output().expect("sh");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "it should have failed: {}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(said.trim_end().lines().count(), 1, "more than a line: {said}");
    said
}

fn check() -> Command {
    Command::new("scripts/up.sh")
}

/// A directory that stands for PATH with these programs only.
fn path_with(programs: &[&str]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for program in programs {
        let places = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin"].map(|place| Path::new(place).join(program));
        let found = places.iter().find(|place| place.exists()).unwrap_or_else(|| panic!("no {program} here"));
        symlink(found, dir.path().join(program)).unwrap();
    }
    dir
}

#[test]
fn no_docker_and_no_engine() {
    let path = path_with(&["sh", "dirname", "tail", "sed", "grep"]);
    let said = complaint(check().env("PATH", path.path()));
    assert!(said.contains("no docker") && said.contains("apt-get install docker.io"), "{said}");
    let said = complaint(check().env("DOCKER_HOST", "unix:///nonexistent/docker.sock"));
    assert!(said.contains("no engine answers at unix:///nonexistent/docker.sock"), "{said}");
}

#[test]
fn an_engine_without_the_image_store_or_without_crun() {
    let _turn = docker();
    let engine = Engine::docker_with("{}").unwrap();
    let said = complaint(check().env("DOCKER_HOST", engine.host()));
    assert!(said.contains("containerd image store is off") && said.contains("daemon.json"), "{said}");
    drop(engine);

    let engine = Engine::docker_with(r#"{"features": {"containerd-snapshotter": true}}"#).unwrap();
    let said = complaint(check().env("DOCKER_HOST", engine.host()));
    assert!(said.contains("knows no runtime 'crun'") && said.contains("\"path\": \"/usr/bin/crun\""), "{said}");
    drop(engine);

    let dir = TempDir::new().unwrap();
    let other = dir.path().join("crun");
    fs::write(&other, "#!/bin/sh\necho crun version 1.21\n").unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).unwrap();
    let runtimes = format!(r#"{{"crun": {{"path": "{}"}}}}"#, other.display());
    let engine =
        Engine::docker_with(&format!(r#"{{"features": {{"containerd-snapshotter": true}}, "runtimes": {runtimes}}}"#))
            .unwrap();
    let said = complaint(check().env("DOCKER_HOST", engine.host()));
    assert!(said.contains("has no WasmEdge in it"), "{said}");
}

#[test]
fn a_port_that_is_taken() {
    let docker = docker();
    let _listener = TcpListener::bind("127.0.0.1:8080").unwrap();
    let said = complaint(&mut docker.command("scripts/up.sh"));
    assert!(said.contains("port 8080 is taken: PORT=8081 make up"), "{said}");
    let free = docker.command("scripts/up.sh").arg("check").env("PORT", "8081").output().unwrap();
    assert!(free.status.success(), "{}", String::from_utf8_lossy(&free.stderr));
}
