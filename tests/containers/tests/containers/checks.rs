//! `make up` says in one line what is missing, before it starts anything.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use testkit::{Engine, TempDir, artifacts};

use crate::support::docker;

/// All that the check calls.
const PROGRAMS: [&str; 7] = ["sh", "dirname", "tail", "sed", "grep", "docker", "curl"];

/// What `up.sh check` says with this environment; it must fail, with one line.
fn complaint(command: &mut Command) -> String {
    let output = command.current_dir(artifacts::root()).output().expect("sh");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "it should have failed: {}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(said.trim_end().lines().count(), 1, "more than a line: {said}");
    said
}

fn check() -> Command {
    let mut command = Command::new("scripts/up.sh");
    command.arg("check");
    command
}

/// The check where the files that `pattern` matches are not what they are, which nobody but it sees.
fn check_without(pattern: &str) -> Command {
    let mut command = Command::new("unshare");
    let hide = format!("for file in {pattern}; do [ ! -e \"$file\" ] || mount --bind /dev/null \"$file\"; done");
    command.args(["--mount", "sh", "-euc", &format!("{hide}; exec scripts/up.sh check")]);
    command.env("DOCKER_CONFIG", "/nonexistent");
    command
}

/// An engine that is empty, with the image store and these runtimes.
fn engine(runtimes: &str) -> Engine {
    let configuration = r#"{"features": {"containerd-snapshotter": true}, "runtimes": RUNTIMES}"#;
    Engine::docker_with(&configuration.replace("RUNTIMES", runtimes)).unwrap()
}

/// A program that prints `said`.
fn program(dir: &Path, name: &str, said: &str) {
    let path = dir.join(name);
    fs::write(&path, format!("#!/bin/sh\necho '{said}'\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
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
    let path = path_with(&PROGRAMS[..5]);
    let said = complaint(check().env("PATH", path.path()));
    assert!(said.contains("no docker") && said.contains("apt-get install docker.io"), "{said}");
    let said = complaint(check().env("DOCKER_HOST", "unix:///nonexistent/docker.sock"));
    assert!(said.contains("no engine answers at unix:///nonexistent/docker.sock"), "{said}");
}

#[test]
fn a_docker_without_compose_without_buildx_and_a_machine_without_curl() {
    let said = complaint(&mut check_without(
        "/usr/*/docker/cli-plugins/docker-compose /usr/local/lib*/docker/cli-plugins/docker-compose",
    ));
    assert!(said.contains("no compose: apt-get install docker-compose"), "{said}");
    let said = complaint(&mut check_without(
        "/usr/*/docker/cli-plugins/docker-buildx /usr/local/lib*/docker/cli-plugins/docker-buildx",
    ));
    assert!(said.contains("no buildx: apt-get install docker-buildx"), "{said}");
    let said = complaint(check().env("PATH", path_with(&PROGRAMS[..6]).path()));
    assert!(said.contains("no curl: apt-get install curl"), "{said}");
}

#[test]
fn an_engine_whose_image_store_is_off() {
    let _turn = docker();
    let engine = Engine::docker_with("{}").unwrap();
    let said = complaint(check().env("DOCKER_HOST", engine.host()));
    assert!(said.contains("containerd image store is off") && said.contains("daemon.json"), "{said}");
}

#[test]
fn an_engine_that_knows_no_crun_and_a_machine_without_one() {
    let _turn = docker();
    let engine = engine("{}");
    let said = complaint(check().env("DOCKER_HOST", engine.host()));
    assert!(said.contains("knows no runtime 'crun'") && said.contains("\"path\": \"/usr/bin/crun\""), "{said}");
    let said = complaint(check().env("DOCKER_HOST", engine.host()).env("WASM_RUNTIME", "wasm"));
    assert!(said.contains("knows no runtime 'wasm': add \"runtimes\": {\"wasm\""), "{said}");
    let said = complaint(check().env("DOCKER_HOST", engine.host()).env("WASM_RUNTIME", "runc"));
    assert!(said.contains("runc runs no wasm") && said.contains("deploy/compose/native.yml"), "{said}");
    let path = path_with(&PROGRAMS);
    let said = complaint(check().env("DOCKER_HOST", engine.host()).env("PATH", path.path()));
    assert!(said.contains("no crun: apt-get install crun") && said.contains("daemon.json"), "{said}");
    let shim = "io.containerd.wasmedge.v1";
    let said = complaint(check().env("DOCKER_HOST", engine.host()).env("PATH", path.path()).env("WASM_RUNTIME", shim));
    assert!(said.contains("no containerd-shim-wasmedge-v1 on the PATH") && said.contains("runwasi/releases"), "{said}");
    program(path.path(), "containerd-shim-wasmedge-v1", "");
    let mut found = check();
    found.current_dir(artifacts::root()).env("DOCKER_HOST", engine.host()).env("PATH", path.path());
    let found = found.env("WASM_RUNTIME", shim).env("PORT", "1").output().unwrap();
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
}

#[test]
fn a_crun_that_is_not_there_has_no_wasmedge_or_does_not_find_it() {
    let _turn = docker();
    let dir = TempDir::new().unwrap();
    let other = dir.path().join("crun");
    let named = engine(&format!(r#"{{"crun": {{"path": "{}"}}}}"#, other.display()));
    let said = complaint(check().env("DOCKER_HOST", named.host()));
    assert!(said.contains(&format!("no {}", other.display())) && said.contains("apt-get install crun"), "{said}");
    program(dir.path(), "crun", "crun version 1.21");
    let said = complaint(check().env("DOCKER_HOST", named.host()));
    assert!(said.contains("has no WasmEdge in it") && said.contains("apt-get install crun"), "{said}");
    drop(named);

    let engine = engine(r#"{"crun": {"path": "/usr/bin/crun"}}"#);
    let path = path_with(&PROGRAMS);
    program(path.path(), "ldconfig", "libc.so.6");
    let said = complaint(check().env("DOCKER_HOST", engine.host()).env("PATH", path.path()));
    assert!(said.contains("finds no libwasmedge.so.0: apt-get install libwasmedge0"), "{said}");
}

#[test]
fn a_port_that_is_taken_also_behind_a_proxy() {
    let docker = docker();
    let _listener = TcpListener::bind("127.0.0.1:8080").unwrap();
    let check = || {
        let mut command = docker.command("scripts/up.sh");
        command.arg("check").env("http_proxy", "http://127.0.0.1:8080");
        command
    };
    let said = complaint(&mut check());
    assert!(said.contains("port 8080 is taken: PORT=8081 make up"), "{said}");
    let free = check().env("PORT", "8081").output().unwrap();
    assert!(free.status.success(), "{}", String::from_utf8_lossy(&free.stderr));
}
