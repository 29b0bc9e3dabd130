//! Query strings. Unknown, repeated or invalid parameters return 400.

use crate::api::Parameter;
use crate::api::parameter::AnyParameter;
use crate::problem::Problem;

/// The parameters of a request's query string.
#[derive(Debug, Default)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Parses a query string.
    ///
    /// # Errors
    /// 400 for a parameter that is not among `known` or is repeated.
    pub fn parse(text: &str, known: &[&dyn AnyParameter]) -> Result<Self, Problem> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            let name: String = name.chars().take(64).collect();
            let detail = if !known.iter().any(|parameter| parameter.description().name == name) {
                "is not a parameter of this path"
            } else if pairs.iter().any(|(other, _)| *other == name) {
                "is repeated"
            } else {
                pairs.push((name, value.into_owned()));
                continue;
            };
            return Err(Problem::invalid_query(&name, detail));
        }
        Ok(Self { pairs })
    }

    /// The parameter's value, where it is given.
    ///
    /// # Errors
    /// 400 for an invalid value.
    pub fn optional<T>(&self, parameter: &Parameter<T>) -> Result<Option<T>, Problem> {
        match self.pairs.iter().find(|(known, _)| known == parameter.name()) {
            None => Ok(None),
            Some((name, value)) => {
                parameter.parse(value).map(Some).map_err(|detail| Problem::invalid_query(name, &detail))
            }
        }
    }

    /// The parameter's value.
    ///
    /// # Errors
    /// 400 where it is missing or invalid.
    pub fn required<T>(&self, parameter: &Parameter<T>) -> Result<T, Problem> {
        self.optional(parameter)?.ok_or_else(|| Problem::invalid_query(parameter.name(), "is missing"))
    }
}
