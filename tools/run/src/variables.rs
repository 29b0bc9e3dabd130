//! The service's table of variables, as the module itself prints it.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use testkit::runtime;

/// One variable of the service.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Variable {
    pub(crate) name: String,
    /// Whether its value is the path of a file.
    pub(crate) is_file: bool,
    /// Whether its value, or the content of the file, is secret.
    pub(crate) is_secret: bool,
}

/// Runs `wasmedge MODULE --variables`. The interpreter is used: it needs no compilation and a fraction of a second.
pub(crate) fn read_from(module: &Path) -> Result<Vec<Variable>> {
    let mut command = runtime::command(module);
    let output = command.arg(module).arg("--variables").stdin(Stdio::null()).output().context("cannot run wasmedge")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} --variables ended with {}:\n{errors}", module.display(), output.status);
    parse(&String::from_utf8_lossy(&output.stdout))
}

/// One JSON object per line.
fn parse(text: &str) -> Result<Vec<Variable>> {
    let variables: Result<Vec<_>> = text.lines().filter(|line| !line.is_empty()).map(parse_line).collect();
    let variables = variables?;
    ensure!(!variables.is_empty(), "the module has printed no variables");
    Ok(variables)
}

fn parse_line(line: &str) -> Result<Variable> {
    let invalid = || format!("not a variable's description: {line}");
    let row: Value = serde_json::from_str(line).with_context(invalid)?;
    let text = |key| row.get(key).and_then(Value::as_str).with_context(invalid);
    let is_secret = row.get("secret").and_then(Value::as_bool).with_context(invalid)?;
    Ok(Variable { name: text("name")?.to_owned(), is_file: text("type")? == "file", is_secret })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_files_and_secrets_are_read() -> Result<()> {
        let text = concat!(
            r#"{"name":"DATABASE_URL","type":"url","default":null,"example":"x","meaning":"y","secret":true}"#,
            "\n",
            r#"{"name":"DATABASE_CA_FILE","type":"file","default":null,"example":"x","meaning":"y","secret":false}"#,
            "\n"
        );
        let variable = |name: &str, is_file, is_secret| Variable { name: name.to_owned(), is_file, is_secret };
        let expected = [variable("DATABASE_URL", false, true), variable("DATABASE_CA_FILE", true, false)];
        assert_eq!(parse(text)?, expected);
        Ok(())
    }

    #[test]
    fn other_output_is_an_error() {
        for text in ["", "usage: …\n", "{}\n", r#"{"name":"A","type":"file"}"#] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
