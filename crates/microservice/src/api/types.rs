//! Types of JSON values and of header fields, under names.

use std::borrow::Cow;

/// A type of JSON values. The description has it once, under its name.
#[derive(Debug)]
pub struct JsonType {
    /// The type's name, as in `Order`.
    pub(crate) name: &'static str,
    /// Its JSON Schema (2020-12).
    pub(crate) schema: fn() -> Cow<'static, str>,
    /// The types that the schema refers to.
    pub(crate) parts: &'static [&'static JsonType],
}

impl JsonType {
    /// A type that refers to no other.
    #[must_use]
    pub const fn new(name: &'static str, schema: fn() -> Cow<'static, str>) -> Self {
        Self { name, schema, parts: &[] }
    }

    /// The same type, which refers to others.
    #[must_use]
    pub const fn with_parts(self, parts: &'static [&'static Self]) -> Self {
        Self { parts, ..self }
    }

    /// A reference to the type, for another schema.
    #[must_use]
    pub fn reference(&self) -> String {
        format!(r##"{{"$ref":"#/components/schemas/{}"}}"##, self.name)
    }
}

/// A value that a client may send or gets.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// The example's name, as in `five-orders`.
    pub(crate) name: &'static str,
    /// The value: JSON where the content is JSON, otherwise text.
    pub value: &'static str,
}

impl Example {
    /// An example.
    #[must_use]
    pub const fn new(name: &'static str, value: &'static str) -> Self {
        Self { name, value }
    }
}

/// A header field of requests or responses.
#[derive(Debug)]
pub struct HeaderType {
    /// The field's name, as in `Retry-After`.
    pub(crate) name: &'static str,
    /// What it means, in Markdown.
    pub(crate) meaning: &'static str,
    /// A valid value, as it stands in the field.
    pub(crate) example: &'static str,
    /// The values' JSON Schema.
    pub(crate) schema: &'static str,
    /// Each response that the field is listed for has it.
    pub(crate) is_always_there: bool,
}

impl HeaderType {
    /// A field with text that may be missing.
    #[must_use]
    pub const fn text(name: &'static str, example: &'static str, meaning: &'static str) -> Self {
        Self { name, meaning, example, schema: r#"{"type":"string"}"#, is_always_there: false }
    }

    /// A field that is always there.
    #[must_use]
    pub const fn always(self) -> Self {
        Self { is_always_there: true, ..self }
    }

    /// A field whose values have a schema.
    #[must_use]
    pub const fn with_schema(self, schema: &'static str) -> Self {
        Self { schema, ..self }
    }
}
