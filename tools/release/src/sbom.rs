//! The software bill of materials of the module (CycloneDX 1.5, <https://cyclonedx.org/docs/1.5/json>).
//!
//! It lists what the module is made of, not what builds or tests it. A fork names the package that it was made from as
//! its ancestor, so that scanners can find the advisories against that.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::dependencies::{Package, checksums, closure, packages, product_metadata, root};
use crate::forks;
use crate::provenance::sha256;

/// The package of the module.
const PRODUCT: &str = "order-service";

/// The components of `module`, a `.wasm` file. `time` is that of the commit (RFC 3339), so that a release can be built
/// again with the same result.
///
/// # Errors
/// The module cannot be read, a package has no entry, or the table of forks is out of date.
pub(crate) fn of(module: &Path, time: &str) -> Result<Value> {
    let metadata = product_metadata()?;
    forks::check(&metadata)?;
    let all = packages(&metadata)?;
    let product = all.iter().find(|package| package.name == PRODUCT).context("the workspace has no service")?;
    let graph = closure(&metadata, product.id)?;
    let lock = fs::read_to_string(root().join("Cargo.lock")).context("cannot read Cargo.lock")?;
    let needed: Vec<_> = all.iter().filter(|package| graph.contains_key(package.id)).collect();
    bill(product, &needed, &graph, &checksums(&lock), &sha256(module)?, time)
}

fn bill(
    product: &Package<'_>,
    packages: &[&Package<'_>],
    graph: &BTreeMap<&str, BTreeSet<&str>>,
    checksums: &BTreeMap<(String, String), String>,
    digest: &str,
    time: &str,
) -> Result<Value> {
    let reference = |id: &str| {
        let package = packages.iter().find(|package| package.id == id).with_context(|| format!("no package {id}"))?;
        Ok(purl(package.name, package.version))
    };
    let mut dependencies = Vec::new();
    for (id, needs) in graph {
        let needs: Vec<String> = needs.iter().map(|id| reference(id)).collect::<Result<_>>()?;
        dependencies.push(json!({"ref": reference(id)?, "dependsOn": needs}));
    }
    let others = packages.iter().filter(|package| package.id != product.id);
    let components: Vec<Value> = others.map(|package| component(package, "library", checksums)).collect();
    let mut main = component(product, "application", checksums);
    set(&mut main, "hashes", json!([{"alg": "SHA-256", "content": digest}]));
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": serial_number(digest),
        "version": 1,
        "metadata": {"timestamp": time, "component": main},
        "components": components,
        "dependencies": dependencies,
    }))
}

fn component(package: &Package<'_>, kind: &str, checksums: &BTreeMap<(String, String), String>) -> Value {
    let purl = purl(package.name, package.version);
    let mut component = json!({
        "type": kind, "bom-ref": purl, "name": package.name, "version": package.version, "scope": "required",
    });
    // A package of this repository is in no registry.
    if package.source.is_some() {
        set(&mut component, "purl", json!(purl));
    }
    if let Some(license) = package.license {
        // The old form of a choice, which SPDX does not know.
        set(&mut component, "licenses", json!([{"expression": license.replace('/', " OR ")}]));
    }
    if let Some(digest) = checksums.get(&(package.name.to_owned(), package.version.to_owned())) {
        set(&mut component, "hashes", json!([{"alg": "SHA-256", "content": digest}]));
    }
    // A package of this repository that replaces a fork has no ancestor.
    if let Some(fork) = forks::find(package.name).filter(|_| package.source.is_some()) {
        let upstream = self::purl(fork.upstream, fork.upstream_version);
        let ancestor =
            json!({"type": "library", "name": fork.upstream, "version": fork.upstream_version, "purl": upstream});
        set(&mut component, "pedigree", json!({"ancestors": [ancestor]}));
    }
    component
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(key.to_owned(), value);
    }
}

/// A package URL: <https://github.com/package-url/purl-spec>. A `+` in a version is written `%2B`.
fn purl(name: &str, version: &str) -> String {
    format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"))
}

/// A UUID from the module's digest: the same module has the same bill. Version 8 is for such numbers (RFC 9562, 5.8).
fn serial_number(digest: &str) -> String {
    let part = |from: usize, to: usize| digest.get(from..to).unwrap_or_default();
    format!("urn:uuid:{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30))
}

#[cfg(test)]
mod tests {
    use cyclonedx_bom::models::bom::{Bom, SpecVersion};
    use cyclonedx_bom::validation::Validate as _;

    use super::*;

    fn bill_of_a_file() -> Result<Value> {
        of(&root().join("Cargo.toml"), "2026-11-21T00:00:00Z")
    }

    #[test]
    fn the_bill_is_valid_cyclonedx() -> Result<()> {
        let bom = Bom::parse_json_value(bill_of_a_file()?)?;
        let result = bom.validate_version(SpecVersion::V1_5);
        assert!(result.passed(), "{result:?}");
        Ok(())
    }

    #[test]
    fn it_lists_the_forks_with_their_ancestors_and_digests() -> Result<()> {
        let bill = bill_of_a_file()?;
        let components = bill.get("components").and_then(Value::as_array).context("no components")?;
        let tokio = components.iter().find(|one| one.get("name") == Some(&json!("tokio_wasi"))).context("no tokio")?;
        assert_eq!(tokio.pointer("/pedigree/ancestors/0/purl"), Some(&json!("pkg:cargo/tokio@1.25.0")));
        let digest = tokio.pointer("/hashes/0/content").and_then(Value::as_str).unwrap_or_default();
        assert_eq!(digest.len(), 64);
        assert_eq!(bill.pointer("/metadata/component/name"), Some(&json!(PRODUCT)));
        Ok(())
    }
}
