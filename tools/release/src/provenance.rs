//! How the artefacts were built: an in-toto statement with a predicate of SLSA 1.0.
//!
//! It is a file beside the image. An attestation inside the image would make it an index of manifests, and containerd's
//! CRI pulls a `wasi/wasm` image only as a single manifest (docs/PLATFORM.md).

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The kind of build: what `make release` does.
const BUILD_TYPE: &str = "https://slsa.dev/spec/v1.0/provenance#make-release";

/// The statement about `files`. `description` is a file with `key=value` lines: `source`, `revision`, `version`,
/// `started`, `finished`, `builder`, and the images as `image:NAME=DIGEST`, the materials as `material:NAME=DIGEST`.
///
/// # Errors
/// A file cannot be read, or a value is missing.
pub(crate) fn of(description: &Path, files: &[&str]) -> Result<Value> {
    let text = fs::read_to_string(description).with_context(|| format!("cannot read {}", description.display()))?;
    let mut subjects = named(&text, "image:");
    for file in files {
        subjects.push(json!({"name": file_name(file), "digest": {"sha256": sha256(Path::new(file))?}}));
    }
    statement(&text, &subjects)
}

fn statement(text: &str, subjects: &[Value]) -> Result<Value> {
    let value = |key: &str| {
        let mut values = text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        values.next().with_context(|| format!("the description has no {key}"))
    };
    let mut materials = named(text, "material:");
    materials.insert(0, json!({"uri": value("source")?, "digest": {"gitCommit": value("revision")?}}));
    Ok(json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects,
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"version": value("version")?},
                "resolvedDependencies": materials,
            },
            "runDetails": {
                "builder": {"id": value("builder")?},
                "metadata": {"startedOn": value("started")?, "finishedOn": value("finished")?},
            },
        },
    }))
}

/// The lines `PREFIX:NAME=sha256:DIGEST`.
fn named(text: &str, prefix: &str) -> Vec<Value> {
    let pairs = text.lines().filter_map(|line| line.strip_prefix(prefix)?.split_once('='));
    pairs
        .map(|(name, digest)| json!({"name": name, "digest": {"sha256": digest.trim_start_matches("sha256:")}}))
        .collect()
}

fn file_name(path: &str) -> &str {
    Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or(path)
}

/// A file's digest in hexadecimal digits.
pub(crate) fn sha256(path: &Path) -> Result<String> {
    let content = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESCRIPTION: &str = "source=https://example.com/x\nrevision=abc\nversion=0.2.0\nbuilder=b\nstarted=s\n\
                               finished=f\nimage:order-service:aot=sha256:12\nmaterial:Cargo.lock=sha256:34\n";

    #[test]
    fn a_statement_names_images_files_source_and_materials() -> Result<()> {
        let statement = statement(DESCRIPTION, &named(DESCRIPTION, "image:"))?;
        let at = |pointer: &str| statement.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        assert_eq!(at("/subject/0/name"), "order-service:aot");
        assert_eq!(at("/subject/0/digest/sha256"), "12");
        assert_eq!(at("/predicate/buildDefinition/resolvedDependencies/0/digest/gitCommit"), "abc");
        assert_eq!(at("/predicate/buildDefinition/resolvedDependencies/1/name"), "Cargo.lock");
        Ok(())
    }

    #[test]
    fn a_missing_value_is_an_error_that_names_it() {
        let text = DESCRIPTION.replace("revision=abc\n", "");
        assert!(statement(&text, &[]).is_err_and(|error| error.to_string().contains("revision")));
    }
}
