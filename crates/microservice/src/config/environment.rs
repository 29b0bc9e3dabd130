//! Reads variables; the error message if one is invalid.

use std::fmt;

use super::{AnyVariable, Description, Variable};

/// Where variables are looked up: the process's environment, or a test's table.
pub struct Environment<'l> {
    lookup: &'l (dyn Fn(&str) -> Option<String> + Sync),
}

impl fmt::Debug for Environment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").finish_non_exhaustive()
    }
}

impl<'l> Environment<'l> {
    /// Looks variables up by `lookup`.
    #[must_use]
    pub fn new(lookup: &'l (dyn Fn(&str) -> Option<String> + Sync)) -> Self {
        Self { lookup }
    }

    /// The process's environment.
    #[must_use]
    pub fn of_process() -> Self {
        Self { lookup: &|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()) }
    }

    /// The variable's value, or its default.
    ///
    /// # Errors
    /// The value is wrong, or there is neither value nor default.
    pub fn get<T>(&self, variable: &Variable<T>) -> Result<T, ConfigError> {
        match (self.find(variable)?, variable.description().default) {
            (Some(value), _) => Ok(value),
            (None, Some(default)) => variable
                .parse(default)
                .map_err(|problem| ConfigError::new(variable, &format!("has a default that {problem}"))),
            (None, None) => Err(ConfigError::new(variable, "is not set")),
        }
    }

    /// The variable's value where it is set. An empty variable counts as not set.
    ///
    /// # Errors
    /// The value is wrong.
    pub fn find<T>(&self, variable: &Variable<T>) -> Result<Option<T>, ConfigError> {
        let Some(text) = self.text(variable) else { return Ok(None) };
        variable.parse(&text).map(Some).map_err(|problem| {
            let is_secret = variable.description().is_secret;
            ConfigError::new(
                variable,
                &if is_secret { problem } else { format!("is {:?}, but {problem}", without_user(&text)) },
            )
        })
    }

    /// True where the variable is set and not empty.
    #[must_use]
    pub fn is_set(&self, variable: &dyn AnyVariable) -> bool {
        self.text(variable).is_some()
    }

    fn text(&self, variable: &dyn AnyVariable) -> Option<String> {
        (self.lookup)(variable.description().name).filter(|text| !text.is_empty())
    }
}

/// A URL without its user and password; any other text as it is.
fn without_user(text: &str) -> String {
    let parts = text.split_once("://").and_then(|(scheme, rest)| {
        let end = rest.find('/').unwrap_or(rest.len());
        let (_, host) = rest.get(..end)?.rsplit_once('@')?;
        Some(format!("{scheme}://…@{host}{}", rest.get(end..)?))
    });
    parts.unwrap_or_else(|| text.to_owned())
}

/// A variable that is wrong. Its text is one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    variable: Description,
    problem: String,
}

impl ConfigError {
    /// The message is the variable's name and then `problem`, such as "must be at least MAX_BODY_BYTES". It must not
    /// contain a secret.
    #[must_use]
    pub fn new(variable: &dyn AnyVariable, problem: &str) -> Self {
        Self { variable: variable.description(), problem: problem.to_owned() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Description { name, example, .. } = self.variable;
        write!(f, "{name} {}; for example {name}={example}", self.problem)
    }
}

impl std::error::Error for ConfigError {}
