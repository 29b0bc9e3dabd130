//! Images made here and put into the cluster's registry: the service's, the database's, and the one that holds a pod.
//!
//! Each is an OCI image layout of one layer (<https://github.com/opencontainers/image-spec/blob/main/image-layout.md>).

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use testbed::{TempDir, artifacts};

use crate::files::REGISTRY;
use crate::machine::{Machine, output_of};

/// What `deploy/mariadb/Dockerfile` does after the packages: the user, and places of its own.
const MARIADB_USER: &str = r#"chroot "$1" sh -ec '
    groupadd --system --gid 999 mysql
    useradd --system --uid 999 --gid mysql --home-dir /var/lib/mysql --no-create-home mysql
    install -d -o mysql -g mysql /var/lib/mysql /run/mysqld'"#;

/// What an image says of itself, besides its one layer.
struct Image<'a> {
    os: &'a str,
    architecture: &'a str,
    config: Value,
}

/// Puts `module` (a `.wasm`, or its compiled form) into the registry as `name`, such as `order-service:0.1.0`: one file, for
/// platform wasi/wasm, a single manifest. `mark` becomes a label, so that the same module makes several images.
///
/// # Errors
/// When the image cannot be made or the registry refuses it.
pub fn push_wasm(machine: &Machine, module: &Path, name: &str, mark: &str) -> Result<()> {
    let config = json!({
        "Entrypoint": ["/order-service.wasm"], "User": "65534:65534", "Labels": {"org.opencontainers.image.version": mark}
    });
    push_one_file(machine, module, "order-service.wasm", name, &Image { os: "wasi", architecture: "wasm", config })
}

/// Puts a static program into the registry as `name`, for this machine's platform.
///
/// # Errors
/// As for [`push_wasm`].
pub fn push_program(machine: &Machine, program: &Path, name: &str) -> Result<()> {
    let config = json!({"Entrypoint": ["/program"], "User": "65534:65534"});
    push_one_file(machine, program, "program", name, &Image { os: "linux", architecture: architecture(), config })
}

/// Puts the image of `deploy/mariadb` into the registry as `name`, made here without an engine. Its packages' files are made once (`mmdebstrap`, a minute)
/// and kept with the cluster's programs.
///
/// # Errors
/// When Debian's archive cannot be reached the first time, or as for [`push_wasm`].
pub fn push_mariadb(machine: &Machine, name: &str) -> Result<()> {
    let base = mariadb_files()?;
    let dir = TempDir::new()?;
    let programs = dir.path().join("usr/local/bin");
    fs::create_dir_all(&programs)?;
    for script in ["docker-entrypoint.sh", "healthcheck.sh"] {
        let from = artifacts::root().join("deploy/mariadb").join(script);
        fs::copy(&from, programs.join(script)).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    let layer = dir.path().join("layer.tar");
    fs::copy(&base, &layer).with_context(|| format!("cannot copy {}", base.display()))?;
    let mut add = tar("--append");
    add.arg("--file").arg(&layer).args(["--mode=0755", "--directory"]).arg(dir.path()).arg("usr/local/bin");
    output_of(&mut add)?;
    let config = json!({
        "Entrypoint": ["docker-entrypoint.sh"], "Cmd": ["mariadbd"], "Volumes": {"/var/lib/mysql": {}},
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    });
    push(machine, &dir, &layer, name, &Image { os: "linux", architecture: architecture(), config })
}

fn push_one_file(machine: &Machine, file: &Path, called: &str, name: &str, image: &Image<'_>) -> Result<()> {
    let dir = TempDir::new()?;
    let stage = dir.path().join("stage");
    fs::create_dir(&stage)?;
    fs::copy(file, stage.join(called)).with_context(|| format!("cannot copy {}", file.display()))?;
    let layer = dir.path().join("layer.tar");
    let mut make = tar("--create");
    make.arg("--file").arg(&layer).args(["--mode=0755", "--directory"]).arg(&stage).arg(called);
    output_of(&mut make)?;
    push(machine, &dir, &layer, name, image)
}

/// `tar` whose result depends on the files' contents alone.
fn tar(action: &str) -> Command {
    let mut command = Command::new("tar");
    command.args([action, "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"]);
    command
}

fn push(machine: &Machine, dir: &TempDir, layer: &Path, name: &str, image: &Image<'_>) -> Result<()> {
    let layout = dir.path().join("layout");
    let blobs = layout.join("blobs/sha256");
    fs::create_dir_all(&blobs)?;
    let layer = store(&blobs, layer, "application/vnd.oci.image.layer.v1.tar")?;
    let config = json!({
        "os": image.os, "architecture": image.architecture, "config": image.config,
        "rootfs": {"type": "layers", "diff_ids": [layer.get("digest")]}
    });
    let config = store_json(dir, &blobs, &config, "application/vnd.oci.image.config.v1+json")?;
    let manifest = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": [layer]
    });
    let manifest = store_json(dir, &blobs, &manifest, "application/vnd.oci.image.manifest.v1+json")?;
    fs::write(layout.join("oci-layout"), json!({"imageLayoutVersion": "1.0.0"}).to_string())?;
    fs::write(layout.join("index.json"), json!({"schemaVersion": 2, "manifests": [manifest]}).to_string())?;
    let from = format!("oci:{}", layout.display());
    // containerd asks for a name without a host below library/, as it would ask Docker Hub.
    let to = format!("docker://{REGISTRY}/library/{name}");
    machine.run(
        "skopeo",
        &["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false", "--preserve-digests", &from, &to],
    )?;
    Ok(())
}

fn store_json(dir: &TempDir, blobs: &Path, value: &Value, media_type: &str) -> Result<Value> {
    let path = dir.path().join("blob.json");
    fs::write(&path, value.to_string())?;
    store(blobs, &path, media_type)
}

/// Moves a file among the blobs and returns its descriptor.
fn store(blobs: &Path, file: &Path, media_type: &str) -> Result<Value> {
    let sum = output_of(Command::new("sha256sum").arg(file))?;
    let sum = sum.split_whitespace().next().context("sha256sum said nothing")?.to_owned();
    let size = fs::metadata(file)?.len();
    fs::rename(file, blobs.join(&sum))?;
    Ok(json!({"mediaType": media_type, "digest": format!("sha256:{sum}"), "size": size}))
}

/// This machine's processor, as images name it.
fn architecture() -> &'static str {
    match env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Where programs and files are kept that take minutes to make.
pub(crate) fn cache() -> Result<PathBuf> {
    let base = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let base = base.or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    Ok(base.context("neither XDG_CACHE_HOME nor HOME is set")?.join("order-service"))
}

/// Debian 13 with MariaDB as one tar file.
fn mariadb_files() -> Result<PathBuf> {
    let path = cache()?.join("images").join("mariadb-debian-13.tar");
    if path.is_file() {
        return Ok(path);
    }
    fs::create_dir_all(path.parent().context("a path without a directory")?)?;
    crate::say("making the database's image of Debian's packages (a minute, once)");
    let partial = path.with_extension(format!("{}.tar", std::process::id()));
    let mut make = Command::new("mmdebstrap");
    make.args(["--quiet", "--variant=essential", "--include=passwd,mariadb-server-core,mariadb-client-core"]);
    for left_out in ["doc", "man", "locale", "info"] {
        make.arg(format!("--dpkgopt=path-exclude=/usr/share/{left_out}/*"));
    }
    make.arg(format!("--customize-hook={MARIADB_USER}")).arg("trixie").arg(&partial).args(debian_sources()?);
    output_of(&mut make).inspect_err(|_| drop(fs::remove_file(&partial)))?;
    fs::rename(&partial, &path)?;
    Ok(path)
}

/// This machine's own package sources that have Debian 13.
fn debian_sources() -> Result<Vec<PathBuf>> {
    let mut candidates = vec![PathBuf::from("/etc/apt/sources.list")];
    candidates
        .extend(fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten().map(|entry| entry.path()));
    let debian_13 = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let named = path.extension().is_some_and(|kind| kind == "sources" || kind == "list");
        named && text.lines().any(|line| !line.starts_with('#') && line.contains("trixie"))
    };
    candidates.retain(debian_13);
    if candidates.is_empty() {
        bail!("none of this machine's package sources has Debian 13 (trixie), which the database's image is made of");
    }
    Ok(candidates)
}
