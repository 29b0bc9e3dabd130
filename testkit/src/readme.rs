//! The commands in README.md, for the tests that run them.

use std::fs;

use anyhow::{Context, Result};

use crate::artifacts;

/// The commands of the block marked `<!-- name -->`, without their comments.
///
/// # Errors
/// When there is no such block.
pub fn commands(name: &str) -> Result<Vec<String>> {
    let readme = fs::read_to_string(artifacts::root().join("README.md")).context("README.md")?;
    let marker = format!("<!-- {name} -->\n```console\n");
    let (_, after) = readme.split_once(&marker).with_context(|| format!("README.md has no block {name}"))?;
    let block = after.split("```").next().unwrap_or_default();
    Ok(block.lines().map(|line| line.split('#').next().unwrap_or_default().trim().to_owned()).collect())
}
