//! `make image-push` to a real registry, and a pull by digest.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::ensure;
use serde_json::Value;
use testkit::engine::run;
use testkit::{Process, TempDir, try_wait_for};

use crate::support::{Docker, docker, get, walk_through};

/// Starts Debian's registry at 127.0.0.1:5000 in the engine's network.
pub(crate) fn start_registry(docker: &Docker, dir: &TempDir) -> Process {
    let config = dir.path().join("config.yml");
    let storage = dir.path().join("storage");
    let text = format!(
        "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\n\
         http: {{addr: '127.0.0.1:5000'}}\n",
        storage.display()
    );
    fs::write(&config, text).unwrap();
    let mut command = Command::new("docker-registry");
    command.arg("serve").arg(&config);
    let process = docker.engine().start_in_network(&command, &dir.path().join("log")).unwrap();
    try_wait_for("the registry", Duration::from_secs(30), || {
        ensure!(process.is_running(), "it has ended: {}", process.log());
        Ok(get("http://127.0.0.1:5000/v2/").ok().filter(|(status, _)| *status == 200))
    })
    .unwrap();
    process
}

/// Downloads all blobs of an image from the registry and compares their digests. The engine would not download the
/// blobs that it has.
fn check_blobs(docker: &Docker, image: &str, digest: &str) {
    let dir = TempDir::new().unwrap();
    let copy = ["--insecure-policy", "copy", "--quiet", "--src-tls-verify=false", "--preserve-digests"];
    let mut skopeo = docker.engine().sandbox().command("skopeo");
    run(skopeo.args(copy).arg(format!("docker://{image}")).arg(format!("dir:{}", dir.path().display()))).unwrap();
    let sum = |name: &str| {
        let output = run(Command::new("sha256sum").arg(dir.path().join(name))).unwrap();
        output.split_whitespace().next().map(|sum| format!("sha256:{sum}"))
    };
    assert_eq!(sum("manifest.json").as_deref(), Some(digest));
    let manifest: Value = serde_json::from_slice(&fs::read(dir.path().join("manifest.json")).unwrap()).unwrap();
    for blob in [&manifest["config"], &manifest["layers"][0]] {
        let digest = blob["digest"].as_str().expect("a digest");
        assert_eq!(sum(digest.trim_start_matches("sha256:")).as_deref(), Some(digest));
    }
}

#[test]
fn a_pushed_image_is_pulled_by_digest_and_runs() {
    let docker = docker();
    let dir = TempDir::new().unwrap();
    let _registry = start_registry(&docker, &dir);
    let output = docker.script("make", &["image-push", "REGISTRY=127.0.0.1:5000"]);
    let pushed: Vec<&str> = output.lines().filter(|line| line.contains("@sha256:")).collect();
    assert!(pushed.len() >= 2 && pushed[1].contains("-wasm@"), "{output}");
    let (by_name, digest) = pushed[0].split_once('@').expect("name@digest");
    let raw = run(docker
        .engine()
        .sandbox()
        .command("skopeo")
        .args(["inspect", "--raw", "--tls-verify=false"])
        .arg(format!("docker://{by_name}")));
    assert!(raw.as_ref().is_ok_and(|raw| raw.contains("\"layers\"")), "not one manifest: {raw:?}");
    let by_digest = format!("127.0.0.1:5000/order-service@{digest}");
    check_blobs(&docker, &by_digest, digest);
    docker.cli(&["rmi", by_name]);
    docker.cli(&["pull", "--quiet", "--platform", "wasi/wasm", &by_digest]);
    assert_eq!(docker.inspect(&by_digest)["Id"], digest);
    // Compose runs the pulled image.
    docker.cli(&["tag", &by_digest, "pulled:latest"]);
    let project = docker.project().env("ORDERS_IMAGE", "pulled:latest");
    project.start();
    walk_through(&docker);
}
