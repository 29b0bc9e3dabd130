//! A span: a piece of work in a trace, with the names of OpenTelemetry's semantic conventions.

use std::borrow::Cow;

use hyper::header::HeaderValue;

use super::context::{SpanId, TraceId};

/// The longest text of an attribute, in bytes. A batch's INSERT has a megabyte.
const MAX_TEXT_BYTES: usize = 1024;

/// The most attributes of a span.
pub(super) const MAX_ATTRIBUTES: usize = 16;

/// A span that has ended.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    pub(super) parent: Option<SpanId>,
    pub(super) trace_state: Option<HeaderValue>,
    pub(super) work: Work,
    /// Nanoseconds since 1970.
    pub(super) start: u64,
    pub(super) end: u64,
}

/// What a span is about.
#[derive(Debug)]
pub(crate) struct Work {
    pub(super) name: Cow<'static, str>,
    pub(super) kind: SpanKind,
    pub(super) attributes: Vec<(&'static str, Attribute)>,
    pub(super) failed: bool,
}

/// The role of the process in the work. The numbers are those of OTLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SpanKind {
    /// Within the process.
    Internal = 1,
    /// A request to this process.
    Server = 2,
    /// A call of this process to another.
    Client = 3,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Attribute {
    Text(Cow<'static, str>),
    Integer(i64),
    /// A list with this text only, as the conventions want the values of a header.
    List(String),
}

impl From<&'static str> for Attribute {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Attribute {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<i64> for Attribute {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl Work {
    pub(crate) fn new(name: impl Into<Cow<'static, str>>, kind: SpanKind) -> Self {
        let name = name.into();
        let name = if name.len() > MAX_TEXT_BYTES { Cow::Owned(beginning(&name).to_owned()) } else { name };
        Self { name, kind, attributes: Vec::new(), failed: false }
    }

    /// Adds an attribute; a text up to its first kilobyte.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Attribute>) -> Self {
        if self.attributes.len() < MAX_ATTRIBUTES {
            self.attributes.push((name, value.into().bounded()));
        }
        self
    }

    /// The same for a value that there may be.
    pub(crate) fn with_some(self, name: &'static str, value: Option<impl Into<Attribute>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The work has failed, for this reason from a list of few.
    pub(crate) fn failed(mut self, error_type: impl Into<Attribute>) -> Self {
        self.failed = true;
        self.with("error.type", error_type)
    }
}

impl Attribute {
    fn bounded(self) -> Self {
        match self {
            Self::Text(text) if text.len() > MAX_TEXT_BYTES => Self::Text(beginning(&text).to_owned().into()),
            Self::List(text) if text.len() > MAX_TEXT_BYTES => Self::List(beginning(&text).to_owned()),
            other => other,
        }
    }
}

/// As much of the text as an attribute may have.
fn beginning(text: &str) -> &str {
    let end = (0..=MAX_TEXT_BYTES.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_bounded_in_number_and_length() {
        let work = Work::new("work", SpanKind::Internal).with("text", "é".repeat(1000));
        assert_eq!(work.attributes, [("text", Attribute::Text("é".repeat(512).into()))]);
        let many = (0..100).fold(work, |work, number| work.with("number", number));
        assert_eq!(many.attributes.len(), MAX_ATTRIBUTES);
    }
}
