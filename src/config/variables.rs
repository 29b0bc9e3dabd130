//! Looking variables up, and what is said when one is wrong.

use std::fmt;

/// The variables, wherever they come from: tests bring their own.
pub(super) struct Variables<'l> {
    lookup: &'l dyn Fn(&str) -> Option<String>,
}

impl<'l> Variables<'l> {
    pub(super) fn new(lookup: &'l dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup }
    }

    /// The variable's text; None where it is not set or empty.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|text| !text.is_empty())
    }

    /// The variable through `parse`, or the default, which is an example of a right value too.
    pub(super) fn parsed<T>(
        &self,
        name: &'static str,
        default: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        let text = self.text(name).unwrap_or_else(|| default.to_owned());
        parse(&text).map_err(|problem| ConfigError::new(name, &format!("is {text:?}, but {problem}"), default))
    }

    /// The variable through `parse`, where it is set.
    pub(super) fn optional<T>(
        &self,
        name: &'static str,
        example: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        self.text(name)
            .map(|text| {
                parse(&text).map_err(|problem| ConfigError::new(name, &format!("is {text:?}, but {problem}"), example))
            })
            .transpose()
    }

    /// A variable that must be there and whose value is not to be shown.
    pub(super) fn secret<T>(
        &self,
        name: &'static str,
        example: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        match self.text(name) {
            Some(text) => parse(&text).map_err(|problem| ConfigError::new(name, &problem, example)),
            None => Err(ConfigError::new(name, "is not set", example)),
        }
    }
}

/// A variable that is wrong; shown as one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    name: &'static str,
    problem: String,
    example: &'static str,
}

impl ConfigError {
    pub(super) fn new(name: &'static str, problem: &str, example: &'static str) -> Self {
        Self { name, problem: problem.to_owned(), example }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}; for example {}={}", self.name, self.problem, self.name, self.example)
    }
}

impl std::error::Error for ConfigError {}
