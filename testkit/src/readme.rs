//! README's commands, for the tests that type them.

use std::fs;

use anyhow::{Context, Result};

use crate::artifacts;

/// The commands of the block that is marked `<!-- name -->`, without what is explained behind them.
///
/// # Errors
/// When there is no such block.
pub fn commands(name: &str) -> Result<Vec<String>> {
    let page = fs::read_to_string(artifacts::root().join("README.md")).context("README.md")?;
    let mark = format!("<!-- {name} -->\n```console\n");
    let (_, after) = page.split_once(&mark).with_context(|| format!("README.md has no block {name}"))?;
    let block = after.split("```").next().unwrap_or_default();
    Ok(block.lines().map(|line| line.split('#').next().unwrap_or_default().trim().to_owned()).collect())
}
