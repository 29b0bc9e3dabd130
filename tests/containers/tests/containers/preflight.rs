//! The checks of `make up`: before it starts anything, it reports in one line what is missing.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use testkit::{Engine, TempDir, artifacts};

use crate::support::docker;

/// The programs that the check calls.
const PROGRAMS: [&str; 7] = ["sh", "dirname", "tail", "sed", "grep", "docker", "curl"];

/// Runs a check that must fail with one line, and returns that line.
fn failure_of(command: &mut Command) -> String {
    let output = command.current_dir(artifacts::root()).output().expect("sh");
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "it should have failed: {}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(message.trim_end().lines().count(), 1, "more than one line: {message}");
    message
}

fn check() -> Command {
    let mut command = Command::new("scripts/up.sh");
    command.arg("check");
    command
}

/// The check in a mount namespace where the files that match `pattern` are unusable.
fn check_without(pattern: &str) -> Command {
    let mut command = Command::new("unshare");
    let hide = format!("for file in {pattern}; do [ ! -e \"$file\" ] || mount --bind /dev/null \"$file\"; done");
    command.args(["--mount", "sh", "-euc", &format!("{hide}; exec scripts/up.sh check")]);
    command.env("DOCKER_CONFIG", "/nonexistent");
    command
}

/// An empty engine with the image store and these runtimes.
fn engine(runtimes: &str) -> Engine {
    let configuration = r#"{"features": {"containerd-snapshotter": true}, "runtimes": RUNTIMES}"#;
    Engine::docker_with(&configuration.replace("RUNTIMES", runtimes)).unwrap()
}

/// Creates a program that prints `output`.
fn create_program(dir: &Path, name: &str, output: &str) {
    let path = dir.join(name);
    fs::write(&path, format!("#!/bin/sh\necho '{output}'\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A directory for PATH that has these programs only.
fn path_with(programs: &[&str]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for program in programs {
        let paths = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin"].map(|dir| Path::new(dir).join(program));
        let program_path =
            paths.iter().find(|path| path.exists()).unwrap_or_else(|| panic!("{program} is not installed"));
        symlink(program_path, dir.path().join(program)).unwrap();
    }
    dir
}

#[test]
fn a_missing_docker_or_engine_is_reported() {
    let path = path_with(&PROGRAMS[..5]);
    let message = failure_of(check().env("PATH", path.path()));
    assert!(message.contains("docker is not installed") && message.contains("apt-get install docker.io"), "{message}");
    let message = failure_of(check().env("DOCKER_HOST", "unix:///nonexistent/docker.sock"));
    assert!(message.contains("no engine responds at unix:///nonexistent/docker.sock"), "{message}");
}

#[test]
fn a_missing_compose_buildx_or_curl_is_reported() {
    let message = failure_of(&mut check_without(
        "/usr/*/docker/cli-plugins/docker-compose /usr/local/lib*/docker/cli-plugins/docker-compose",
    ));
    assert!(message.contains("has no compose: apt-get install docker-compose"), "{message}");
    let message = failure_of(&mut check_without(
        "/usr/*/docker/cli-plugins/docker-buildx /usr/local/lib*/docker/cli-plugins/docker-buildx",
    ));
    assert!(message.contains("has no buildx: apt-get install docker-buildx"), "{message}");
    let message = failure_of(check().env("PATH", path_with(&PROGRAMS[..6]).path()));
    assert!(message.contains("curl is not installed: apt-get install curl"), "{message}");
}

#[test]
fn a_disabled_containerd_image_store_is_reported() {
    let _exclusive = docker();
    let engine = Engine::docker_with("{}").unwrap();
    let message = failure_of(check().env("DOCKER_HOST", engine.host()));
    assert!(message.contains("containerd image store is off") && message.contains("daemon.json"), "{message}");
}

#[test]
fn a_runtime_that_the_engine_or_the_machine_lacks_is_reported() {
    let _exclusive = docker();
    let engine = engine("{}");
    let message = failure_of(check().env("DOCKER_HOST", engine.host()));
    assert!(message.contains("has no runtime 'crun'") && message.contains("\"path\": \"/usr/bin/crun\""), "{message}");
    let message = failure_of(check().env("DOCKER_HOST", engine.host()).env("WASM_RUNTIME", "wasm"));
    assert!(message.contains("has no runtime 'wasm': add \"runtimes\": {\"wasm\""), "{message}");
    let message = failure_of(check().env("DOCKER_HOST", engine.host()).env("WASM_RUNTIME", "runc"));
    assert!(
        message.contains("runc cannot run WebAssembly") && message.contains("deploy/compose/native.yml"),
        "{message}"
    );
    let path = path_with(&PROGRAMS);
    let message = failure_of(check().env("DOCKER_HOST", engine.host()).env("PATH", path.path()));
    assert!(
        message.contains("crun is not installed: apt-get install crun") && message.contains("daemon.json"),
        "{message}"
    );
    let shim = "io.containerd.wasmedge.v1";
    let message =
        failure_of(check().env("DOCKER_HOST", engine.host()).env("PATH", path.path()).env("WASM_RUNTIME", shim));
    assert!(
        message.contains("containerd-shim-wasmedge-v1 is not on the PATH") && message.contains("runwasi/releases"),
        "{message}"
    );
    create_program(path.path(), "containerd-shim-wasmedge-v1", "");
    let mut found = check();
    found.current_dir(artifacts::root()).env("DOCKER_HOST", engine.host()).env("PATH", path.path());
    let found = found.env("WASM_RUNTIME", shim).env("PORT", "1").output().unwrap();
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
}

#[test]
fn a_crun_that_is_missing_or_cannot_use_wasmedge_is_reported() {
    let _exclusive = docker();
    let dir = TempDir::new().unwrap();
    let other = dir.path().join("crun");
    let named = engine(&format!(r#"{{"crun": {{"path": "{}"}}}}"#, other.display()));
    let message = failure_of(check().env("DOCKER_HOST", named.host()));
    assert!(
        message.contains(&format!("up: {}, the path of the engine's runtime", other.display()))
            && message.contains("apt-get install crun"),
        "{message}"
    );
    create_program(dir.path(), "crun", "crun version 1.21");
    let message = failure_of(check().env("DOCKER_HOST", named.host()));
    assert!(message.contains("is built without WasmEdge") && message.contains("apt-get install crun"), "{message}");
    drop(named);

    let engine = engine(r#"{"crun": {"path": "/usr/bin/crun"}}"#);
    let path = path_with(&PROGRAMS);
    create_program(path.path(), "ldconfig", "libc.so.6");
    let message = failure_of(check().env("DOCKER_HOST", engine.host()).env("PATH", path.path()));
    assert!(message.contains("needs libwasmedge.so.0: apt-get install libwasmedge0"), "{message}");
}

#[test]
fn a_port_in_use_is_reported_in_spite_of_a_proxy_variable() {
    let docker = docker();
    let _listener = TcpListener::bind("127.0.0.1:8080").unwrap();
    let check = || {
        let mut command = docker.command("scripts/up.sh");
        command.arg("check").env("http_proxy", "http://127.0.0.1:8080");
        command
    };
    let message = failure_of(&mut check());
    assert!(message.contains("port 8080 is in use: PORT=8081 make up"), "{message}");
    let free = check().env("PORT", "8081").output().unwrap();
    assert!(free.status.success(), "{}", String::from_utf8_lossy(&free.stderr));
}
