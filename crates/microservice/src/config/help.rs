//! The table of variables as text: for people (`--help`), for programs (`--variables`), for README.

use std::fmt::Write as _;

use serde::Serialize;

use super::{AnyVariable, Description};

/// What `--help` prints.
#[must_use]
pub fn help(service: &str, version: &str, variables: &[&dyn AnyVariable]) -> String {
    let mut text = format!(
        "{service} {version}\n\nThe service is configured by environment variables. With WasmEdge: --env NAME=value, once for each.\n\
         Options: --help, --version, --variables (this table as JSON lines), --openapi (the API's description).\n\n"
    );
    let descriptions = variables.iter().map(|variable| variable.description());
    let width = descriptions.clone().map(|variable| variable.name.len()).max().unwrap_or(0);
    for Description { name, default, meaning, .. } in descriptions {
        // Writing to a String cannot fail.
        let _ = match default {
            Some(default) => writeln!(text, "  {name:width$}  {meaning} (default: {default})"),
            None => writeln!(text, "  {name:width$}  {meaning}"),
        };
    }
    text
}

/// What `--variables` prints: a JSON object for each variable, one on a line.
#[must_use]
pub fn variables_as_json(variables: &[&dyn AnyVariable]) -> String {
    #[derive(Serialize)]
    struct Row {
        name: &'static str,
        r#type: &'static str,
        default: Option<&'static str>,
        example: &'static str,
        meaning: &'static str,
        secret: bool,
    }
    let mut lines = String::new();
    for variable in variables {
        let Description { name, type_name, default, example, meaning, is_secret } = variable.description();
        let row = Row { name, r#type: type_name, default, example, meaning, secret: is_secret };
        // Strings and a boolean are always valid JSON.
        lines.push_str(&serde_json::to_string(&row).unwrap_or_default());
        lines.push('\n');
    }
    lines
}

/// The variable's row in a Markdown table with the columns name, default and meaning.
#[must_use]
pub fn markdown_row(variable: &dyn AnyVariable) -> String {
    let Description { name, default, meaning, .. } = variable.description();
    let default = default.map_or("–".to_owned(), |default| format!("`{default}`"));
    format!("| `{name}` | {default} | {meaning} |")
}
