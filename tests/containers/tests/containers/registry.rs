//! A real registry: pushed by `make image-push`, pulled by digest.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::engine::run;
use testkit::{Process, TempDir};

use crate::support::{Docker, docker, get, walk_through};

/// Debian's registry at 127.0.0.1:5000 of the engine's network.
fn registry(docker: &Docker, dir: &TempDir) -> Process {
    let config = dir.path().join("config.yml");
    let storage = dir.path().join("storage");
    let text = format!(
        "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: '127.0.0.1:5000'}}\n",
        storage.display()
    );
    fs::write(&config, text).unwrap();
    let mut command = Command::new("docker-registry");
    command.arg("serve").arg(&config);
    let process = docker.engine().start_in_network(&command, &dir.path().join("log")).unwrap();
    let start = Instant::now();
    while get("http://127.0.0.1:5000/v2/").map(|reply| reply.0) != Ok(200) {
        assert!(start.elapsed() < Duration::from_secs(30) && process.is_running(), "{}", process.log());
        thread::sleep(Duration::from_millis(20));
    }
    process
}

/// Fetches all of an image from the registry to a directory of its own: the engine, which has its parts, would not ask for them.
fn is_whole(docker: &Docker, image: &str, digest: &str) {
    let dir = TempDir::new().unwrap();
    let copy = ["--insecure-policy", "copy", "--quiet", "--src-tls-verify=false", "--preserve-digests"];
    let mut skopeo = docker.engine().sandbox().command("skopeo");
    run(skopeo.args(copy).arg(format!("docker://{image}")).arg(format!("dir:{}", dir.path().display()))).unwrap();
    let sum = |name: &str| {
        let said = run(Command::new("sha256sum").arg(dir.path().join(name))).unwrap();
        said.split_whitespace().next().map(|sum| format!("sha256:{sum}"))
    };
    assert_eq!(sum("manifest.json").as_deref(), Some(digest));
    let manifest: Value = serde_json::from_slice(&fs::read(dir.path().join("manifest.json")).unwrap()).unwrap();
    for part in [&manifest["config"], &manifest["layers"][0]] {
        let named = part["digest"].as_str().expect("a digest");
        assert_eq!(sum(named.trim_start_matches("sha256:")).as_deref(), Some(named));
    }
}

#[test]
fn what_is_pushed_is_pulled_by_digest_and_runs() {
    let docker = docker();
    let dir = TempDir::new().unwrap();
    let _registry = registry(&docker, &dir);
    let said = docker.script("make", &["image-push", "REGISTRY=127.0.0.1:5000"]);
    let pushed: Vec<&str> = said.lines().filter(|line| line.contains("@sha256:")).collect();
    assert!(pushed.len() >= 2 && pushed[1].contains("-wasm@"), "{said}");
    let (by_name, digest) = pushed[0].split_once('@').expect("name@digest");
    let raw = run(docker
        .engine()
        .sandbox()
        .command("skopeo")
        .args(["inspect", "--raw", "--tls-verify=false"])
        .arg(format!("docker://{by_name}")));
    assert!(raw.as_ref().is_ok_and(|raw| raw.contains("\"layers\"")), "not a single manifest: {raw:?}");
    let by_digest = format!("127.0.0.1:5000/order-service@{digest}");
    is_whole(&docker, &by_digest, digest);
    docker.cli(&["rmi", by_name]);
    docker.cli(&["pull", "--quiet", "--platform", "wasi/wasm", &by_digest]);
    assert_eq!(docker.inspect(&by_digest)["Id"], digest);
    // Compose runs it as it was pulled.
    docker.cli(&["tag", &by_digest, "pulled:latest"]);
    let project = docker.project().env("ORDERS_IMAGE", "pulled:latest");
    project.compose(&["up", "--detach", "--no-build"]);
    project.wait_until_ready("http://127.0.0.1:8080/ready");
    walk_through(&docker);
}
