//! `make release`: signed artefacts that belong together.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use testkit::engine::run;
use testkit::{TempDir, artifacts};

use crate::registry::start_registry;
use crate::support::{Docker, docker};

/// A copy of the source as a repository of its own, in which everything is committed.
fn committed_source() -> TempDir {
    let source = artifacts::copy_source().unwrap();
    let script = "git init --quiet && git add --all && \
                  git -c user.name=test -c user.email=test@example.com commit --quiet --message test";
    run(Command::new("sh").args(["-c", script]).current_dir(source.path())).unwrap();
    source
}

/// A key pair, and the file of signers with it.
fn key(dir: &TempDir, name: &str) -> (PathBuf, PathBuf) {
    let (key, signers) = (dir.path().join(name), dir.path().join(format!("{name}.signers")));
    let generate = ["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"];
    run(Command::new("ssh-keygen").args(generate).arg(&key)).unwrap();
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    fs::write(&signers, format!("release@example.com {public}")).unwrap();
    (key, signers)
}

fn release(docker: &Docker, source: &Path, signing_key: Option<&Path>) -> Output {
    let mut command = docker.command("scripts/release.sh");
    command.arg("build").current_dir(source).env("CARGO_TARGET_DIR", artifacts::target_dir());
    command.env("REGISTRY", "127.0.0.1:5000").env_remove("SIGNING_KEY");
    if let Some(key) = signing_key {
        command.env("SIGNING_KEY", key);
    }
    command.output().expect("sh")
}

fn verify(dist: &Path, signers: &Path) -> Output {
    let mut command = Command::new(artifacts::root().join("scripts/release.sh"));
    command.arg("verify").args([dist, signers]).output().expect("sh")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn json(dist: &Path, suffix: &str) -> Value {
    let files = fs::read_dir(dist).unwrap().map(|entry| entry.unwrap().path());
    let mut found = files.filter(|path| path.to_string_lossy().ends_with(suffix));
    serde_json::from_slice(&fs::read(found.next().expect(suffix)).unwrap()).unwrap()
}

#[test]
fn a_release_is_signed_complete_and_bound_to_its_images() {
    let docker = docker();
    let (source, keys) = (committed_source(), TempDir::new().unwrap());
    let _registry = start_registry(&docker, &keys);
    let ((mine, signers), (_, others)) = (key(&keys, "mine"), key(&keys, "other"));
    let output = release(&docker, source.path(), Some(&mine));
    assert!(output.status.success(), "{}", text(&output));
    let version = fs::read_dir(source.path().join("dist")).unwrap().next().expect("a version").unwrap().path();
    let verified = verify(&version, &signers);
    assert!(verified.status.success(), "{}", text(&verified));

    let images = fs::read_to_string(version.join("images.txt")).unwrap();
    let digest = docker.inspect("order-service:aot")["Id"].as_str().expect("an id").to_owned();
    assert!(images.contains(&digest), "{images}");
    let provenance = json(&version, ".provenance.json");
    let subjects = provenance["subject"].to_string();
    assert!(subjects.contains(digest.trim_start_matches("sha256:")) && subjects.contains(".wasm"), "{subjects}");
    let revision = run(Command::new("git").args(["rev-parse", "HEAD"]).current_dir(source.path())).unwrap();
    let source_digest = &provenance["predicate"]["buildDefinition"]["resolvedDependencies"][0]["digest"];
    assert_eq!(source_digest["gitCommit"], revision.trim());
    let bill = json(&version, ".cdx.json");
    assert!(bill["components"].to_string().contains("mysql_async_wasi"), "the SBOM lacks the driver");

    // In the registry they stand beside the image.
    for (suffix, kind) in [("sbom", "vnd.cyclonedx+json"), ("provenance", "vnd.in-toto+json")] {
        let name = format!("docker://127.0.0.1:5000/order-service:{}.{suffix}", digest.replace(':', "-"));
        let mut skopeo = docker.engine().sandbox().command("skopeo");
        let raw = run(skopeo.args(["inspect", "--raw", "--tls-verify=false"]).arg(name)).unwrap();
        assert!(raw.contains(kind) && raw.contains(&format!("\"digest\":\"{digest}\"")), "{raw}");
    }

    assert!(!verify(&version, &others).status.success(), "another signer's key verifies");
    fs::write(version.join("added"), "").unwrap();
    assert!(text(&verify(&version, &signers)).contains("added is not signed"));
    fs::remove_file(version.join("added")).unwrap();
    fs::write(version.join("images.txt"), images.replace("sha256:", "sha256:0")).unwrap();
    assert!(text(&verify(&version, &signers)).contains("a file was changed"));
}

#[test]
fn a_release_needs_a_key_and_a_committed_tree() {
    let docker = docker();
    let (source, keys) = (committed_source(), TempDir::new().unwrap());
    let (mine, _) = key(&keys, "mine");
    assert!(text(&release(&docker, source.path(), None)).contains("SIGNING_KEY is missing"));
    fs::write(source.path().join("README.md"), "changed").unwrap();
    assert!(text(&release(&docker, source.path(), Some(&mine))).contains("the work tree has changes"));
    assert!(!source.path().join("dist").exists());
}
