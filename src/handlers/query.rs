//! Query strings: each parameter known, there once, and in its one notation.

use hyper::{Body, Request};

use crate::error::Error;

/// The parameters of a request.
pub(super) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Reads the query string; fails for a parameter that is not among `known`, or there twice.
    pub(super) fn of(request: &Request<Body>, known: &[&str]) -> Result<Self, Error> {
        let text = request.uri().query().unwrap_or_default();
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            let name: String = name.chars().take(64).collect();
            let detail = if !known.contains(&name.as_str()) {
                "is not a parameter of this path"
            } else if pairs.iter().any(|(other, _)| *other == name) {
                "is there twice"
            } else {
                pairs.push((name, value.into_owned()));
                continue;
            };
            return Err(Error::InvalidQuery { parameter: name, detail });
        }
        Ok(Self { pairs })
    }

    /// The parameter through `parse`, where it is there; fails where that gives None.
    pub(super) fn optional<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Option<T>,
        detail: &'static str,
    ) -> Result<Option<T>, Error> {
        match self.pairs.iter().find(|(known, _)| known == name) {
            None => Ok(None),
            Some((_, value)) => match parse(value) {
                Some(value) => Ok(Some(value)),
                None => Err(Error::InvalidQuery { parameter: name.to_owned(), detail }),
            },
        }
    }

    /// The parameter through `parse`; fails where it is not there or `parse` gives None.
    pub(super) fn required<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Option<T>,
        detail: &'static str,
    ) -> Result<T, Error> {
        self.optional(name, parse, detail)?
            .ok_or_else(|| Error::InvalidQuery { parameter: name.to_owned(), detail: "is missing" })
    }
}

/// A whole number in its one notation: digits, no sign.
pub(super) fn whole_number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}
