//! What `cargo metadata` and Cargo.lock say about dependencies.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The platform of the product.
const PLATFORM: &str = "wasm32-wasip1";

/// A package of `cargo metadata`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Package<'m> {
    pub(crate) id: &'m str,
    pub(crate) name: &'m str,
    pub(crate) version: &'m str,
    pub(crate) manifest_path: &'m str,
    /// An SPDX expression.
    pub(crate) license: Option<&'m str>,
    /// Absent for packages of this repository.
    pub(crate) source: Option<&'m str>,
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// `cargo metadata` of a manifest, for all platforms.
pub(crate) fn metadata(manifest: &Path) -> Result<Value> {
    run(Command::new(root().join("scripts/cargo.sh")).args(ARGUMENTS).arg("--manifest-path").arg(manifest))
}

/// The same for this workspace.
#[cfg(test)]
pub(crate) fn workspace_metadata() -> Result<Value> {
    metadata(&root().join("Cargo.toml"))
}

/// `cargo metadata` of this workspace for the product's platform only.
pub(crate) fn product_metadata() -> Result<Value> {
    let mut command = Command::new(root().join("scripts/cargo.sh"));
    run(command.args(ARGUMENTS).args(["--filter-platform", PLATFORM]).current_dir(root()))
}

const ARGUMENTS: [&str; 4] = ["metadata", "--locked", "--format-version", "1"];

fn run(command: &mut Command) -> Result<Value> {
    let output = command.output().context("cannot run scripts/cargo.sh")?;
    ensure!(output.status.success(), "cargo metadata failed:\n{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).context("cargo metadata has printed no JSON")
}

/// The packages of `cargo metadata`.
pub(crate) fn packages(metadata: &Value) -> Result<Vec<Package<'_>>> {
    let list = metadata.get("packages").and_then(Value::as_array).context("cargo metadata has no packages")?;
    list.iter().map(Package::read).collect()
}

impl<'m> Package<'m> {
    fn read(package: &'m Value) -> Result<Self> {
        let text = |key: &str| package.get(key).and_then(Value::as_str);
        let required = |key: &str| text(key).with_context(|| format!("a package without {key}: {package}"));
        Ok(Self {
            id: required("id")?,
            name: required("name")?,
            version: required("version")?,
            manifest_path: required("manifest_path")?,
            license: text("license"),
            source: text("source"),
        })
    }
}

/// What the package with `root` as its id is made of: the ids of all packages that it needs at run time, with the ids
/// that each of them depends on. Dependencies of tests and build scripts are not among them.
pub(crate) fn closure<'m>(metadata: &'m Value, root: &'m str) -> Result<BTreeMap<&'m str, BTreeSet<&'m str>>> {
    let nodes = metadata.pointer("/resolve/nodes").and_then(Value::as_array).context("no resolved dependencies")?;
    let id_of = |value: &'m Value, key: &str| value.get(key).and_then(Value::as_str);
    let mut graph = BTreeMap::new();
    let mut remaining = vec![root];
    while let Some(id) = remaining.pop() {
        if graph.contains_key(id) {
            continue;
        }
        let node = nodes.iter().find(|node| id_of(node, "id") == Some(id)).with_context(|| format!("no node {id}"))?;
        let dependencies = node.get("deps").and_then(Value::as_array).into_iter().flatten();
        let needed: BTreeSet<&str> =
            dependencies.filter(|one| is_for_run_time(one)).filter_map(|one| id_of(one, "pkg")).collect();
        remaining.extend(&needed);
        graph.insert(id, needed);
    }
    Ok(graph)
}

fn is_for_run_time(dependency: &Value) -> bool {
    let kinds = dependency.get("dep_kinds").and_then(Value::as_array);
    // A dependency's kind is null, `dev` or `build`.
    kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind.get("kind").is_some_and(Value::is_null)))
}

/// The SHA-256 digests of the packages in Cargo.lock, by name and version.
pub(crate) fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let value =
        |line: &str, key: &str| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"').map(str::to_owned);
    let sections = lock.split("[[package]]").skip(1);
    let fields = sections.filter_map(|section| {
        let find = |key: &str| section.lines().find_map(|line| value(line, key));
        Some(((find("name")?, find("version")?), find("checksum")?))
    });
    fields.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_files_checksums_are_read_by_name_and_version() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nchecksum = \"abc\"\n\n\
                    [[package]]\nname = \"own\"\nversion = \"0.1.0\"\n";
        let expected = [(("a".to_owned(), "1.0.0".to_owned()), "abc".to_owned())];
        assert_eq!(checksums(lock), expected.into());
    }

    #[test]
    fn the_product_needs_its_driver_and_none_of_the_tests_packages() -> Result<()> {
        let metadata = product_metadata()?;
        let all = packages(&metadata)?;
        let service = all.iter().find(|package| package.name == "order-service").context("no service")?;
        let needed = closure(&metadata, service.id)?;
        let has = |name: &str| all.iter().any(|package| package.name == name && needed.contains_key(package.id));
        assert!(has("mysql_async_wasi") && has("hyper_wasi") && has("microservice"));
        assert!(!has("proptest") && !has("hyper") && !has("testkit"));
        Ok(())
    }
}
