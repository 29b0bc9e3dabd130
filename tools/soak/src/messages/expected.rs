//! The response that a request must get.

use std::fmt::{self, Display, Formatter};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use testkit::http::{RawHead, RawResponse};

/// A body longer than this is shortened in messages.
const MAX_PRINTED_CHARS: usize = 600;

/// The response that a request must get. The order of header fields does not matter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expected {
    status: u16,
    /// All header fields but `date`, which cannot be known in advance.
    fields: Vec<(String, String)>,
    /// A header field that may be missing; when it is there it must have this value.
    optional: Option<(String, String)>,
    body: Body,
}

/// The body of a response.
#[derive(Clone, Debug, PartialEq)]
enum Body {
    /// Equal in every byte.
    Exact(String),
    /// An RFC 9457 problem of this type, which may name a field of the request.
    Problem { kind: &'static str, field: Option<&'static str> },
}

impl Expected {
    /// JSON with a known length.
    pub(crate) fn json(status: u16, request_id: &str, body: impl Into<String>) -> Self {
        Self::with_length(status, "application/json", request_id, body.into())
    }

    /// JSON whose length the service does not know when it begins to send.
    pub(crate) fn chunked_json(request_id: &str, body: impl Into<String>) -> Self {
        let expected = Self::new(200, request_id, Body::Exact(body.into()));
        expected.field("content-type", "application/json").field("transfer-encoding", "chunked")
    }

    /// The response of the walkthrough's writes.
    pub(crate) fn status_true(request_id: &str) -> Self {
        Self::json(200, request_id, r#"{"status":true}"#)
    }

    /// 304.
    pub(crate) fn not_modified(request_id: &str) -> Self {
        Self::new(304, request_id, Body::Exact(String::new()))
    }

    /// 204.
    pub(crate) fn no_content(request_id: &str) -> Self {
        Self::new(204, request_id, Body::Exact(String::new()))
    }

    /// 404.
    pub(crate) fn not_found(request_id: &str) -> Self {
        Self::problem(404, "order-not-found", request_id, None)
    }

    /// 409.
    pub(crate) fn duplicate(request_id: &str) -> Self {
        Self::problem(409, "duplicate-order", request_id, Some("order_id"))
    }

    fn is_problem(&self) -> bool {
        matches!(self.body, Body::Problem { .. })
    }

    /// Adds a header field that must be present.
    pub(crate) fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the header field that may be missing.
    pub(crate) fn optional_field(mut self, name: &str, value: &str) -> Self {
        self.optional = Some((name.to_owned(), value.to_owned()));
        self
    }

    /// Compares the head alone, for a body that is read piece by piece.
    pub(crate) fn check_head(&self, head: &RawHead) -> Result<()> {
        ensure!(head.status == self.status, "status {} instead of {}: {}", head.status, self.status, head.text);
        let optional = |(name, value): &(String, String)| {
            self.optional.as_ref().is_some_and(|field| (&field.0, &field.1) == (name, value))
        };
        let fields = head.fields().map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
        // The length of a problem's texts is not known.
        let is_unknown = |name: &str| name == "date" || name == "content-length" && self.is_problem();
        let mut fields: Vec<_> = fields.filter(|field| !is_unknown(&field.0) && !optional(field)).collect();
        let mut expected = self.fields.clone();
        fields.sort();
        expected.sort();
        ensure!(fields == expected, "header fields {fields:?} instead of {expected:?}");
        Ok(())
    }

    /// Compares a whole response.
    pub(crate) fn check(&self, response: &RawResponse) -> Result<()> {
        let outcome = self.check_head(&response.head).and_then(|()| self.check_body(&response.body));
        outcome.with_context(|| {
            format!("instead of\n{self}\nthis came:\n{}{}", response.head.text, shortened(&response.text()))
        })
    }

    fn check_body(&self, body: &[u8]) -> Result<()> {
        match &self.body {
            Body::Exact(expected) => ensure!(body == expected.as_bytes(), "the body differs"),
            Body::Problem { kind, field } => self.check_problem(body, kind, *field)?,
        }
        Ok(())
    }

    /// Compares the members of a problem (RFC 9457) that programs read: title and detail are for people.
    fn check_problem(&self, body: &[u8], kind: &str, field: Option<&str>) -> Result<()> {
        let problem: Value = serde_json::from_slice(body)?;
        let text = |pointer| problem.pointer(pointer).and_then(Value::as_str);
        let request_id = self.fields.iter().find(|(name, _)| name == "x-request-id").map(|(_, id)| id.as_str());
        let kind = format!("urn:order-service:problem:{kind}");
        ensure!(text("/type") == Some(kind.as_str()), "another type of problem");
        ensure!(problem.get("status").and_then(Value::as_u64) == Some(self.status.into()), "another status");
        ensure!(text("/request_id") == request_id, "another request id");
        ensure!(text("/errors/0/field") == field, "another field");
        ensure!(text("/title").is_some() && text("/detail").is_some(), "no title or no detail");
        Ok(())
    }

    fn problem(status: u16, kind: &'static str, request_id: &str, field: Option<&'static str>) -> Self {
        let expected = Self::new(status, request_id, Body::Problem { kind, field });
        expected.field("content-type", "application/problem+json")
    }

    fn with_length(status: u16, content_type: &str, request_id: &str, body: String) -> Self {
        let length = body.len().to_string();
        Self::new(status, request_id, Body::Exact(body))
            .field("content-type", content_type)
            .field("content-length", &length)
    }

    fn new(status: u16, request_id: &str, body: Body) -> Self {
        let expected = Self { status, fields: Vec::new(), optional: None, body }.field("x-request-id", request_id);
        expected.field("cache-control", "no-store").field("x-content-type-options", "nosniff")
    }
}

impl Display for Expected {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.status)?;
        for (name, value) in &self.fields {
            writeln!(formatter, "{name}: {value}")?;
        }
        match &self.body {
            Body::Exact(body) => write!(formatter, "\n{}", shortened(body)),
            Body::Problem { kind, .. } => write!(formatter, "\na problem of type {kind}"),
        }
    }
}

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(MAX_PRINTED_CHARS).collect();
    if short.len() < text.len() {
        short += &format!("… ({} bytes)", text.len());
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every response has these.
    const COMMON: &str = "cache-control: no-store\r\nx-content-type-options: nosniff\r\n";

    fn response(status: u16, fields: &str, body: &str) -> RawResponse {
        let head = RawHead { status, text: format!("HTTP/1.1 {status} x\r\n{COMMON}{fields}\r\n") };
        RawResponse { head, body: body.into() }
    }

    #[test]
    fn the_order_of_header_fields_and_the_date_do_not_matter() -> Result<()> {
        let expected = Expected::json(200, "a", "{}");
        let fields = "Content-Length: 2\r\ndate: x\r\nX-Request-Id: a\r\ncontent-type: application/json\r\n";
        expected.check(&response(200, fields, "{}"))
    }

    #[test]
    fn any_other_difference_is_wrong() {
        let expected = Expected::json(200, "a", "{}").optional_field("link", "next");
        let fields = "content-type: application/json\r\nx-request-id: a\r\ncontent-length: 2\r\n";
        assert!(expected.check(&response(200, fields, "{}")).is_ok());
        assert!(expected.check(&response(200, &format!("{fields}link: next\r\n"), "{}")).is_ok());
        for (status, fields, body) in [
            (201, fields.to_owned(), "{}"),
            (200, fields.to_owned(), "[]"),
            (200, format!("{fields}vary: x\r\n"), "{}"),
            (200, format!("{fields}content-length: 2\r\n"), "{}"),
            (200, format!("{fields}link: other\r\n"), "{}"),
            (200, fields.replace("x-request-id: a", "x-request-id: b"), "{}"),
            (200, fields.replace("content-length: 2\r\n", ""), "{}"),
        ] {
            assert!(expected.check(&response(status, &fields, body)).is_err(), "{status} {fields} {body}");
        }
    }

    #[test]
    fn a_problem_is_compared_by_the_members_that_programs_read() {
        let expected = Expected::duplicate("a");
        let fields = "content-type: application/problem+json\r\nx-request-id: a\r\ncontent-length: 9\r\n";
        let body = r#"{"type":"urn:order-service:problem:duplicate-order","title":"t","status":409,"detail":"d",
            "request_id":"a","errors":[{"field":"order_id","detail":"x"}]}"#;
        assert!(expected.check(&response(409, fields, body)).is_ok());
        let changes =
            [("duplicate-order", "x"), ("409", "404"), ("order_id", "y"), (":\"a\"", ":\"b\""), ("detail", "z")];
        for (from, to) in changes {
            assert!(expected.check(&response(409, fields, &body.replace(from, to))).is_err(), "{from}");
        }
    }
}
