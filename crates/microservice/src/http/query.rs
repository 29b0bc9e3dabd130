//! Query strings. Unknown, repeated or invalid parameters return 400.

use crate::problem::Problem;

/// The parameters of a request.
#[derive(Debug)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Parses a query string.
    ///
    /// # Errors
    /// 400 for a parameter that is not among `known` or is repeated.
    pub fn parse(text: &str, known: &[&str]) -> Result<Self, Problem> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            let name: String = name.chars().take(64).collect();
            let detail = if !known.contains(&name.as_str()) {
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

    /// The parameter through `parse`, where it is given.
    ///
    /// # Errors
    /// 400 with `detail` where `parse` gives None.
    pub fn optional<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Option<T>,
        detail: &'static str,
    ) -> Result<Option<T>, Problem> {
        match self.pairs.iter().find(|(known, _)| known == name) {
            None => Ok(None),
            Some((_, value)) => match parse(value) {
                Some(value) => Ok(Some(value)),
                None => Err(Problem::invalid_query(name, detail)),
            },
        }
    }

    /// The parameter through `parse`.
    ///
    /// # Errors
    /// 400 where it is missing, or with `detail` where `parse` gives None.
    pub fn required<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Option<T>,
        detail: &'static str,
    ) -> Result<T, Problem> {
        self.optional(name, parse, detail)?.ok_or_else(|| Problem::invalid_query(name, "is missing"))
    }
}

/// Parses a whole number in its canonical form: digits, no sign.
#[must_use]
pub fn whole_number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}
