//! Whole responses in memory: what a write answers with, and what is stored under its idempotency key.

use hyper::header::{CONTENT_TYPE, ETAG, HeaderName, HeaderValue};
use hyper::{Body, Response, StatusCode};

/// Marks the response to a repeated request.
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A response with its whole body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Vec<u8>,
    is_replayed: bool,
}

/// A [`Reply`] as it is stored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StoredReply {
    pub(crate) status: u16,
    /// Lines of `name: value`.
    pub(crate) headers: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// JSON.
    #[must_use]
    pub fn json(status: StatusCode, body: impl Into<Vec<u8>>) -> Self {
        let content_type = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Self { status, headers: vec![content_type], body: body.into(), is_replayed: false }
    }

    /// No content.
    #[must_use]
    pub const fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), is_replayed: false }
    }

    /// The same reply with an entity tag.
    #[must_use]
    pub fn with_entity_tag(self, tag: &str) -> Self {
        self.with_header(ETAG, tag)
    }

    /// The same reply with a header field. A value that no header can hold is left out.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// What is stored of it.
    pub(crate) fn to_stored(&self) -> StoredReply {
        let mut headers = Vec::new();
        for (name, value) in &self.headers {
            headers.extend_from_slice(name.as_str().as_bytes());
            headers.extend_from_slice(b": ");
            headers.extend_from_slice(value.as_bytes());
            headers.push(b'\n');
        }
        StoredReply { status: self.status.as_u16(), headers, body: self.body.clone() }
    }

    /// The reply to a request that repeats another one. None where another program has changed what is stored.
    pub(crate) fn replay(stored: StoredReply) -> Option<Self> {
        let StoredReply { status, headers, body } = stored;
        let headers = std::str::from_utf8(&headers).ok()?;
        let headers: Option<Vec<_>> = headers.lines().map(parse_header).collect();
        Some(Self { status: StatusCode::from_u16(status).ok()?, headers: headers?, body, is_replayed: true })
    }

    /// True where another request had this reply before.
    #[must_use]
    pub const fn is_replayed(&self) -> bool {
        self.is_replayed
    }
}

fn parse_header(line: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = line.split_once(": ")?;
    Some((name.parse().ok()?, value.parse().ok()?))
}

impl From<Reply> for Response<Body> {
    fn from(reply: Reply) -> Self {
        let body = if reply.body.is_empty() { Body::empty() } else { reply.body.into() };
        let mut response = Self::new(body);
        *response.status_mut() = reply.status;
        response.headers_mut().extend(reply.headers);
        if reply.is_replayed {
            response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use hyper::header::LOCATION;

    use super::*;

    #[test]
    fn a_stored_reply_is_the_same_but_for_its_mark() {
        let reply =
            Reply::json(StatusCode::CREATED, b"{}").with_entity_tag("\"a: b\"").with_header(LOCATION, "/things/1");
        let stored = reply.to_stored();
        assert_eq!(stored.headers, b"content-type: application/json\netag: \"a: b\"\nlocation: /things/1\n");
        let replayed = Reply::replay(stored).unwrap();
        assert!(replayed.is_replayed() && !reply.is_replayed());
        assert_eq!(Reply { is_replayed: false, ..replayed.clone() }, reply);
        let [first, second]: [Response<Body>; 2] = [reply.into(), replayed.into()];
        assert!(!first.headers().contains_key(IDEMPOTENCY_REPLAYED));
        assert_eq!(second.headers()[IDEMPOTENCY_REPLAYED], "true");
        assert_eq!(
            (second.status(), &second.headers()[LOCATION]),
            (StatusCode::CREATED, &"/things/1".parse().unwrap())
        );
    }

    #[test]
    fn a_reply_that_another_program_changed_is_none() {
        let stored = |status, headers: &[u8]| StoredReply { status, headers: headers.to_vec(), body: Vec::new() };
        assert!(Reply::replay(stored(204, b"")).is_some());
        for (status, headers) in [(0, &b""[..]), (200, b"etag"), (200, b"a b: c"), (200, b"\xff: c"), (200, b"a: \x00")]
        {
            assert!(Reply::replay(stored(status, headers)).is_none(), "{status} {headers:?}");
        }
    }
}
