//! Responses as they came over the connection.

use std::fmt::{self, Display, Formatter};

use anyhow::{Context, Result};

/// A response's status line and header fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawHead {
    /// The status code.
    pub status: u16,
    /// The whole head with its line ends, the empty line included.
    pub text: String,
}

/// A response with its whole body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawResponse {
    /// The status line and the header fields.
    pub head: RawHead,
    /// The body, without its transfer coding.
    pub body: Vec<u8>,
}

impl RawHead {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let status = text.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).and_then(|code| code.parse().ok());
        let status = status.with_context(|| format!("not a response: {text:?}"))?;
        Ok(Self { status, text: text.to_owned() })
    }

    /// The value of a header field, if it is present.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.fields().find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    }

    /// The header fields in their order: name and value.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let lines = self.text.lines().skip(1);
        lines.filter_map(|line| line.split_once(':')).map(|(name, value)| (name, value.trim()))
    }

    /// Whether the body comes in chunks.
    #[must_use]
    pub fn is_chunked(&self) -> bool {
        self.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
    }

    /// Whether the server closes the connection after this response.
    #[must_use]
    pub fn closes_connection(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    pub(super) fn content_length(&self) -> Result<Option<usize>> {
        let length = self.header("content-length").map(str::parse).transpose();
        length.with_context(|| format!("not a content length: {}", self.text))
    }

    /// RFC 9112, section 6.3.
    pub(super) fn has_no_body(&self, method: &str) -> bool {
        method == "HEAD" || self.status == 204 || self.status == 304 || self.status < 200
    }
}

impl Display for RawHead {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text.trim_end())
    }
}

impl RawResponse {
    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.head.status
    }

    /// The value of a header field, if it is present.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// The body as text; invalid UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
