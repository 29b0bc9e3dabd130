//! The image: its size, its contents, and reproducible builds.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::engine::run;
use testkit::{TempDir, artifacts};

use crate::support::{Docker, docker};

/// An image as an unpacked OCI layout, the form in which a registry stores it.
struct OciLayout {
    dir: TempDir,
    manifest: Value,
}

impl OciLayout {
    fn of(docker: &Docker, image: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path().display().to_string();
        run(docker.command("sh").args(["-c", "docker save \"$0\" | tar -xf - -C \"$1\"", image, &path])).unwrap();
        let index: Value = serde_json::from_slice(&fs::read(dir.path().join("index.json")).unwrap()).unwrap();
        assert_eq!(
            index["manifests"].as_array().map(Vec::len),
            Some(1),
            "one manifest, without an attestation: {index}"
        );
        let manifest = fs::read(blob(&dir, &index["manifests"][0]["digest"])).unwrap();
        Self { manifest: serde_json::from_slice(&manifest).unwrap(), dir }
    }

    fn config(&self) -> Value {
        serde_json::from_slice(&fs::read(blob(&self.dir, &self.manifest["config"]["digest"])).unwrap()).unwrap()
    }

    fn layer(&self) -> PathBuf {
        blob(&self.dir, &self.manifest["layers"][0]["digest"])
    }

    /// The total size of all blobs.
    fn bytes(&self) -> u64 {
        let blobs = fs::read_dir(self.dir.path().join("blobs/sha256")).unwrap();
        blobs.map(|blob| blob.unwrap().metadata().unwrap().len()).sum()
    }
}

fn blob(dir: &TempDir, digest: &Value) -> PathBuf {
    dir.path().join("blobs").join(digest.as_str().expect("a digest").replace(':', "/"))
}

#[test]
fn the_images_are_small_and_hold_one_file_that_runs_unprivileged() {
    let docker = docker();
    // The portable one had 846,314 bytes before idempotency keys, and has 855,182 with them.
    for (target, limit) in [("wasm", 860_000), ("aot", 2_200_000)] {
        let layout = OciLayout::of(&docker, &format!("order-service:{target}"));
        println!("order-service:{target}: {} bytes compressed", layout.bytes());
        assert!(layout.bytes() <= limit, "{target}: {} bytes", layout.bytes());
        assert_eq!(layout.manifest["layers"].as_array().map(Vec::len), Some(1));
        let listing = run(docker.command("tar").arg("-tf").arg(layout.layer())).unwrap();
        assert_eq!(listing, "order-service.wasm\n");
        let config = layout.config();
        assert_eq!((config["os"].as_str(), config["architecture"].as_str()), (Some("wasi"), Some("wasm")));
        assert_eq!(config["config"]["User"], "65534:65534");
        assert_eq!(config["config"]["Entrypoint"].to_string(), r#"["/order-service.wasm"]"#);
        for name in ["title", "version", "revision", "source", "licenses"] {
            let label = config["config"]["Labels"][format!("org.opencontainers.image.{name}")].as_str();
            // The source's URL is unknown unless the repository was cloned from a web address.
            let known = name != "source" || origin().starts_with("https://");
            assert!(label.is_some_and(|label| !known || !label.is_empty()), "no label {name}: {config}");
        }
    }
}

/// The URL that the repository was cloned from.
fn origin() -> String {
    let git = ["config", "--get", "remote.origin.url"];
    run(std::process::Command::new("git").current_dir(artifacts::root()).args(git)).unwrap_or_default()
}

/// Builds a target of the source in another directory; returns the duration and BuildKit's output.
fn build(docker: &Docker, source: &Path, target: &str, options: &str) -> (Duration, String) {
    let start = Instant::now();
    let mut command = docker.command("sh");
    command.current_dir(source).env("SOURCE_DATE_EPOCH", "1700000000").env("BUILD_OPTIONS", options);
    run(command.args(["-c", "scripts/image.sh build \"$0\" 2>&1", target]))
        .map(|output| (start.elapsed(), output))
        .unwrap()
}

#[test]
fn two_builds_give_the_same_digest() {
    let docker = docker();
    let digests: Vec<String> = ["", "--no-cache-filter=dependencies,kit,build,compile,dated-aot"]
        .into_iter()
        .map(|options| {
            let source = artifacts::copy_source().unwrap();
            let (duration, _) = build(&docker, source.path(), "aot", options);
            println!("build aot {options}: {:.0} s", duration.as_secs_f64());
            docker.inspect("order-service:aot")["Id"].as_str().expect("an id").to_owned()
        })
        .collect();
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn a_changed_line_recompiles_no_dependency() {
    let docker = docker();
    let source = artifacts::copy_source().unwrap();
    let options = "--progress=plain";
    build(&docker, source.path(), "wasm", options);
    let mut main = fs::OpenOptions::new().append(true).open(source.path().join("src/main.rs")).unwrap();
    writeln!(main, "// A line for this build only: {:?}", Instant::now()).unwrap();
    let (duration, output) = build(&docker, source.path(), "wasm", options);
    println!("rebuild after one changed line: {:.0} s", duration.as_secs_f64());
    let compiled: Vec<&str> = output.lines().filter(|line| line.contains("Compiling ")).collect();
    assert!(compiled.len() == 1 && compiled[0].contains("order-service"), "{compiled:#?}\n{output}");
    // The other tests need the image of the unchanged source.
    docker.script("scripts/image.sh", &["build", "wasm"]);
}
