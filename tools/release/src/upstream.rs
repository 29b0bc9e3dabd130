//! cargo's metadata with the upstream names and versions of forks, for cargo-deny.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use crate::dependencies::{Package, metadata as cargo_metadata, packages};
use crate::forks;

/// The metadata of a manifest's workspace, in which each fork is the upstream version that it carries.
///
/// All packages of the lock file are direct dependencies of one package. cargo-deny follows features and platforms from
/// package to package, and loses those whose names differ from what others ask for. It reports a vulnerable package
/// wherever it is.
///
/// # Errors
/// The table of forks does not agree with the packages.
pub(crate) fn metadata(manifest: &Path) -> Result<Value> {
    let metadata = cargo_metadata(manifest)?;
    forks::check(&metadata)?;
    flatten(&metadata)
}

fn flatten(metadata: &Value) -> Result<Value> {
    let list = metadata.get("packages").and_then(Value::as_array).context("no packages")?;
    let all = packages(metadata)?;
    // A package of this repository has no source. Advisories are about packages of the registry.
    let (own, foreign): (Vec<_>, Vec<_>) = list.iter().zip(all).partition(|(_, package)| package.source.is_none());
    let (root, root_package) = own.first().context("no package of this repository")?;
    let mut dependencies = Vec::new();
    let (mut flat, mut nodes, mut edges) = (Vec::new(), Vec::new(), Vec::new());
    for (number, (fields, package)) in foreign.into_iter().enumerate() {
        let (fields, package) = upstream(fields, &package);
        // A name of its own: the graph may have several versions of a package.
        let alias = format!("p{number}");
        dependencies.push(json!({
            "name": package.name, "rename": alias, "req": format!("={}", package.version), "source": package.source,
            "kind": null, "optional": false, "uses_default_features": false, "features": [], "target": null,
            "registry": null,
        }));
        edges.push(json!({"name": alias, "pkg": package.id, "dep_kinds": [{"kind": null, "target": null}]}));
        nodes.push(json!({"id": package.id, "deps": [], "dependencies": [], "features": []}));
        flat.push(fields);
    }
    let ids: Vec<Value> = edges.iter().filter_map(|edge| edge.get("pkg").cloned()).collect();
    nodes.push(json!({"id": root_package.id, "deps": edges, "dependencies": ids, "features": []}));
    flat.push(with(root, &[("dependencies", json!(dependencies)), ("features", json!({}))]));
    let members = json!([root_package.id]);
    Ok(with(
        metadata,
        &[
            ("packages", json!(flat)),
            ("resolve", json!({"nodes": nodes, "root": root_package.id})),
            ("workspace_members", members.clone()),
            ("workspace_default_members", members),
        ],
    ))
}

/// The fields that name a package.
struct Names {
    name: String,
    version: String,
    id: String,
    source: Option<String>,
}

/// A package under the name and version of its upstream, without dependencies.
fn upstream(fields: &Value, package: &Package<'_>) -> (Value, Names) {
    let (name, version) = forks::find(package.name)
        .map_or((package.name, package.version), |fork| (fork.upstream, fork.upstream_version));
    // A package id ends with `#NAME@VERSION`, or with `#VERSION`.
    let id = match package.id.rsplit_once('#') {
        Some((source, _)) => format!("{source}#{name}@{version}"),
        None => package.id.to_owned(),
    };
    let changes = [
        ("name", json!(name)),
        ("version", json!(version)),
        ("id", json!(id)),
        ("dependencies", json!([])),
        ("features", json!({})),
    ];
    let names = Names { name: name.into(), version: version.into(), id, source: package.source.map(str::to_owned) };
    (with(fields, &changes), names)
}

/// A copy of an object with other values.
fn with(object: &Value, changes: &[(&str, Value)]) -> Value {
    let mut fields: Map<String, Value> = object.as_object().cloned().unwrap_or_default();
    for (key, value) in changes {
        fields.insert((*key).to_owned(), value.clone());
    }
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fork_has_its_upstreams_name_and_all_packages_are_direct_dependencies() -> Result<()> {
        let flat = flatten(&crate::dependencies::workspace_metadata()?)?;
        let all = packages(&flat)?;
        let has = |name: &str, version: &str| all.iter().any(|one| (one.name, one.version) == (name, version));
        assert!(has("hyper", "0.14.24") && has("tokio", "1.25.0") && has("mio", "0.8.8"));
        assert!(all.iter().all(|package| forks::find(package.name).is_none()));
        let nodes = flat.pointer("/resolve/nodes").and_then(Value::as_array).context("no nodes")?;
        let direct = nodes.last().and_then(|root| root.get("deps")).and_then(Value::as_array).context("no root")?;
        assert_eq!((nodes.len(), direct.len()), (all.len(), all.len() - 1));
        Ok(())
    }
}
