//! The Compose overrides: the native variant and the containerd shim.

use std::fs;

use serde_json::Value;
use testkit::{Engine, TempDir, artifacts};

use crate::support::{Docker, Project, docker, shell, walk_through};

/// The first command of `docs/DEPLOY.md`, section "Without WebAssembly".
fn native_command() -> String {
    let page = fs::read_to_string(artifacts::root().join("docs/DEPLOY.md")).unwrap();
    let (_, section) = page.split_once("\n## Without WebAssembly\n").expect("the section");
    let (_, block) = section.split_once("```console\n").expect("a command");
    block.lines().next().expect("a command").to_owned()
}

#[test]
fn the_native_variant_builds_by_the_documented_command_and_runs_under_runc() {
    let docker = docker();
    // Compose finds the compiled dependencies in the build cache.
    docker.script("scripts/image.sh", &["build", "native"]);
    let project = docker.project().file("deploy/compose/native.yml");
    shell(&docker, &format!("{} --detach", native_command()));
    project.wait_until_ready("http://127.0.0.1:8080/ready");
    walk_through(&docker);
    assert_eq!(docker.inspect(&project.containers("orders")[0])["HostConfig"]["Runtime"], "runc");
}

#[test]
fn the_native_variant_runs_on_an_engine_without_crun_and_containerd_image_store() {
    let docker = docker();
    docker.script("scripts/image.sh", &["build", "native"]);
    let dir = TempDir::new().unwrap();
    let tar = dir.path().join("images.tar").display().to_string();
    docker.cli(&["save", "--output", &tar, "order-service:native", "orders-mariadb"]);
    let plain = Docker::with_engine(Engine::docker_with("{}").unwrap());
    plain.cli(&["load", "--input", &tar]);
    assert!(!plain.cli(&["info", "--format", "{{.Runtimes}} {{.DriverStatus}}"]).contains("crun"));
    let project = plain.project().file("deploy/compose/native.yml");
    project.start();
    walk_through(&plain);
}

#[test]
fn the_shim_override_selects_the_shim_and_removes_the_annotation_of_crun() {
    let docker = docker();
    let orders = |project: &Project<'_>| {
        let config: Value = serde_json::from_str(&project.compose(&["config", "--format", "json"])).expect("JSON");
        config["services"]["orders"].clone()
    };
    let plain = orders(&docker.project());
    assert_eq!(plain["annotations"]["run.oci.handler"], "wasm");
    let shim = orders(&docker.project().file("deploy/compose/shim.yml"));
    assert_eq!(shim["runtime"], "io.containerd.wasmedge.v1");
    assert_eq!(shim["platform"], "wasi/wasm");
    assert!(shim["annotations"].as_object().is_none_or(|all| all.is_empty()), "{shim}");
}
