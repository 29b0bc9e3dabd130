//! The forks that compile to WebAssembly, and the upstream versions that they carry.
//!
//! Advisories name upstream packages: nobody writes one for a fork that stopped years ago. So each fork counts as the
//! upstream version that its source comes from. Where two versions are possible, the table has the older one: then an
//! advisory may be reported too often, but never too seldom.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::dependencies::{Package, packages};

/// A fork and its upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fork {
    /// The fork's package and version.
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// The package that it was made from, and that package's version.
    pub(crate) upstream: &'static str,
    pub(crate) upstream_version: &'static str,
    /// How the version is known.
    evidence: Evidence,
}

/// How an upstream version is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Evidence {
    /// The first version in the fork's changelog.
    Changelog,
    /// The fork has upstream's version number, and its interface.
    SameVersion,
    /// The source was compared with upstream's releases.
    Comparison,
}

use Evidence::{Changelog, Comparison, SameVersion};

/// All of them, those of the test programs included.
pub(crate) const FORKS: [Fork; 8] = [
    fork("h2_wasi", "0.3.15", "h2", "0.3.15", Changelog),
    fork("hyper_wasi", "0.15.2", "hyper", "0.14.24", Comparison),
    fork("mio_wasi", "0.8.9", "mio", "0.8.8", Changelog),
    fork("mysql_async_wasi", "0.33.0", "mysql_async", "0.33.0", SameVersion),
    fork("reqwest_wasi", "0.11.16", "reqwest", "0.11.14", Changelog),
    fork("tokio-rustls-wasi", "0.24.1", "tokio-rustls", "0.24.1", SameVersion),
    fork("tokio-util_wasi", "0.7.5", "tokio-util", "0.7.4", Changelog),
    fork("tokio_wasi", "1.25.2", "tokio", "1.25.0", Changelog),
];

const fn fork(
    name: &'static str,
    version: &'static str,
    upstream: &'static str,
    upstream_version: &'static str,
    evidence: Evidence,
) -> Fork {
    Fork { name, version, upstream, upstream_version, evidence }
}

/// The fork that a package is.
pub(crate) fn find(name: &str) -> Option<&'static Fork> {
    FORKS.iter().find(|fork| fork.name == name)
}

/// Compares the table with the packages that cargo uses: a fork that is new, or has another version, must be added here
/// first, with its upstream version.
pub(crate) fn check(metadata: &Value) -> Result<()> {
    for package in packages(metadata)? {
        // A package of this repository may replace a fork. The published binding has no upstream.
        if package.source.is_none() || !is_fork(package.name) || package.name == "wasmedge_wasi_socket" {
            continue;
        }
        let fork = find(package.name)
            .with_context(|| format!("{} is a fork that tools/release/src/forks.rs does not have", package.name))?;
        ensure!(
            fork.version == package.version,
            "{} is {} now, and {} in tools/release/src/forks.rs: find its upstream version",
            fork.name,
            package.version,
            fork.version
        );
        fork.check_evidence(&package)?;
    }
    Ok(())
}

fn is_fork(name: &str) -> bool {
    name.ends_with("_wasi") || name.ends_with("-wasi") || name.contains("wasmedge")
}

impl Fork {
    fn check_evidence(&self, package: &Package<'_>) -> Result<()> {
        match self.evidence {
            Comparison => Ok(()),
            SameVersion if self.version == self.upstream_version => Ok(()),
            SameVersion => bail!("{} and {} differ", self.version, self.upstream_version),
            Changelog => {
                let path = Path::new(package.manifest_path).with_file_name("CHANGELOG.md");
                let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
                let found = first_version(&text);
                ensure!(found == Some(self.upstream_version), "{} begins with {found:?}", path.display());
                Ok(())
            }
        }
    }
}

/// The version in a changelog's first heading that has one: `## v0.11.14` or `# 1.25.0 (January 28, 2023)`.
fn first_version(changelog: &str) -> Option<&str> {
    let headings = changelog.lines().filter_map(|line| line.strip_prefix('#'));
    let words = headings.filter_map(|line| line.trim_start_matches('#').split_whitespace().next());
    words.map(|word| word.trim_start_matches('v')).find(|word| word.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changelogs_first_version_is_found_in_each_form() {
        for (text, version) in [
            ("## v0.11.14\n\n- x\n\n## v0.11.13\n", Some("0.11.14")),
            ("# Changelog\n\n# 1.25.0 (January 28, 2023)\n", Some("1.25.0")),
            ("nothing\n", None),
        ] {
            assert_eq!(first_version(text), version, "{text}");
        }
    }

    #[test]
    fn the_table_agrees_with_this_workspace() -> Result<()> {
        check(&crate::dependencies::workspace_metadata()?)
    }

    #[test]
    fn a_fork_that_is_unknown_or_has_another_version_is_an_error() -> Result<()> {
        let package = |name: &str, version: &str| {
            let id = format!("registry+x#{name}@{version}");
            serde_json::json!({"packages": [{
                "name": name, "version": version, "id": id, "manifest_path": "/x/Cargo.toml", "license": null,
                "source": "registry+x"
            }]})
        };
        assert!(check(&package("axum_wasi", "0.6.0")).is_err_and(|error| error.to_string().contains("does not have")));
        assert!(check(&package("hyper_wasi", "0.16.0")).is_err_and(|error| error.to_string().contains("0.16.0 now")));
        check(&package("hyper_wasi", "0.15.2"))?;
        check(&package("serde", "1.0.0"))
    }
}
