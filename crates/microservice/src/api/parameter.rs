//! The parameters of paths and query strings. Each is declared once: the parser, its messages and the API's description
//! come from it.

use std::borrow::Cow;
use std::fmt;

/// A parameter whose value has type `T`.
pub struct Parameter<T: 'static> {
    description: ParameterDescription,
    parse: fn(&str) -> Result<T, String>,
}

/// What the API's description says of a parameter.
#[derive(Debug, Clone, Copy)]
pub struct ParameterDescription {
    /// The parameter's name.
    pub name: &'static str,
    /// What the parameter means, in Markdown.
    pub meaning: &'static str,
    /// A valid value, as it stands in the path or the query string.
    pub example: &'static str,
    /// A request without the parameter is rejected.
    pub is_required: bool,
    /// The values' JSON Schema.
    pub schema: fn() -> Cow<'static, str>,
}

/// A type of values, as text and as JSON Schema.
#[derive(Debug)]
pub struct ParameterType<T: 'static> {
    /// Parses a value. The error completes the sentence "NAME …", as in "must be true or false".
    pub parse: fn(&str) -> Result<T, String>,
    /// The JSON Schema of the values that `parse` takes.
    pub schema: fn() -> Cow<'static, str>,
}

impl<T> Clone for ParameterType<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for ParameterType<T> {}

/// A parameter of any type, for tables.
pub trait AnyParameter: Sync {
    /// What the API's description says of it.
    fn description(&self) -> &ParameterDescription;
}

impl<T> Parameter<T> {
    /// A parameter that may be left out.
    #[must_use]
    pub const fn optional(
        name: &'static str,
        r#type: ParameterType<T>,
        example: &'static str,
        meaning: &'static str,
    ) -> Self {
        let (parse, schema) = (r#type.parse, r#type.schema);
        Self { description: ParameterDescription { name, meaning, example, is_required: false, schema }, parse }
    }

    /// A parameter that each request must have. Those of a path are required.
    #[must_use]
    pub const fn required(
        name: &'static str,
        r#type: ParameterType<T>,
        example: &'static str,
        meaning: &'static str,
    ) -> Self {
        let Self { description, parse } = Self::optional(name, r#type, example, meaning);
        Self { description: ParameterDescription { is_required: true, ..description }, parse }
    }

    /// The parameter's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.description.name
    }

    /// Parses a value.
    ///
    /// # Errors
    /// What the value must be.
    pub fn parse(&self, text: &str) -> Result<T, String> {
        (self.parse)(text)
    }
}

impl<T> AnyParameter for Parameter<T> {
    fn description(&self) -> &ParameterDescription {
        &self.description
    }
}

impl<T> fmt::Debug for Parameter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Parameter").field(&self.description.name).finish()
    }
}

impl fmt::Debug for dyn AnyParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.description().name)
    }
}

/// `true` or `false`.
pub const BOOLEAN: ParameterType<bool> = ParameterType {
    parse: |text| text.parse().map_err(|_| "must be true or false".to_owned()),
    schema: || r#"{"type":"boolean"}"#.into(),
};

/// Any text.
pub const TEXT: ParameterType<String> =
    ParameterType { parse: |text| Ok(text.to_owned()), schema: || r#"{"type":"string"}"#.into() };

/// A whole number from `MIN` to `MAX`: digits, no sign.
#[must_use]
pub const fn whole_number<const MIN: u32, const MAX: u32>() -> ParameterType<u32> {
    ParameterType {
        parse: |text| {
            let is_canonical = text.bytes().all(|byte| byte.is_ascii_digit());
            let number = is_canonical.then(|| text.parse().ok()).flatten();
            number
                .filter(|number| (MIN..=MAX).contains(number))
                .ok_or_else(|| format!("must be a whole number from {MIN} to {MAX}"))
        },
        schema: || format!(r#"{{"type":"integer","minimum":{MIN},"maximum":{MAX}}}"#).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_has_digits_only_and_a_range() {
        const LIMIT: Parameter<u32> = Parameter::optional("limit", whole_number::<1, 1000>(), "100", "");
        assert_eq!(LIMIT.parse("1000"), Ok(1000));
        assert_eq!(LIMIT.parse("0001"), Ok(1));
        for text in ["", "0", "1001", "+1", "-1", "1.0", " 1", "4294967297"] {
            assert_eq!(LIMIT.parse(text), Err("must be a whole number from 1 to 1000".to_owned()), "{text}");
        }
        assert_eq!((LIMIT.description().schema)(), r#"{"type":"integer","minimum":1,"maximum":1000}"#);
    }
}
