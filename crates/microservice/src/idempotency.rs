//! `Idempotency-Key`: a client that repeats a write gets the response to the first one.
//!
//! The header is that of the IETF's draft
//! (<https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/>): a quoted string. A bare token is
//! taken too. What is stored under a key is [`database`](crate::database)'s.

use hyper::header::{HeaderName, HeaderValue};
use hyper::http::request::Parts;
use sha2::{Digest as _, Sha256};

use crate::access::Caller;
use crate::problem::Problem;

/// A request's key.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The longest key, in bytes.
pub(crate) const MAX_KEY_BYTES: usize = 255;

/// SHA-256.
type Hash = [u8; 32];

/// Under which key a write came, and what it asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestKey {
    /// The hash of the key and of who sent it: nobody gets the response to another's request.
    pub(crate) id: Hash,
    /// The hash of method, target and body.
    pub(crate) request: Hash,
}

/// A request with a key, whose body may still arrive.
#[derive(Debug, Clone)]
pub(crate) struct KeyedRequest {
    id: Hash,
    request: Sha256,
}

impl KeyedRequest {
    /// The request with this head, or None where it has no key.
    ///
    /// # Errors
    /// 400 for a key that is empty, too long, malformed, or sent twice.
    pub(crate) fn from_head(head: &Parts) -> Result<Option<Self>, Problem> {
        let mut values = head.headers.get_all(IDEMPOTENCY_KEY).iter();
        let (Some(value), other) = (values.next(), values.next()) else { return Ok(None) };
        let key = parse(value).filter(|_| other.is_none()).ok_or_else(|| {
            Problem::invalid_header(
                "Idempotency-Key must be one quoted string of 1 to 255 printable ASCII characters, such as a UUID.",
            )
        })?;
        let mut id = Sha256::new();
        if let Some(caller) = head.extensions.get::<Caller>() {
            id.update(caller.key());
        }
        id.update(key);
        let mut request = Sha256::new();
        request.update(head.method.as_str());
        request.update(" ");
        request.update(head.uri.path_and_query().map_or("", |target| target.as_str()));
        request.update("\n");
        Ok(Some(Self { id: id.finalize().into(), request }))
    }

    /// Adds a piece of the body.
    pub(crate) fn add_body(&mut self, bytes: &[u8]) {
        self.request.update(bytes);
    }

    /// The key, once the whole body has arrived.
    pub(crate) fn key(&self) -> RequestKey {
        RequestKey { id: self.id, request: self.request.clone().finalize().into() }
    }
}

/// The key in a header's value: the content of a string (RFC 8941 §3.3.3), or a bare token.
fn parse(value: &HeaderValue) -> Option<Vec<u8>> {
    let value = value.as_bytes();
    let key = match value.strip_prefix(b"\"") {
        Some(rest) => unquote(rest.strip_suffix(b"\"")?)?,
        None if value.iter().copied().all(is_bare) => value.to_vec(),
        None => return None,
    };
    (1..=MAX_KEY_BYTES).contains(&key.len()).then_some(key)
}

/// A string's content without the backslashes before quotes and backslashes.
fn unquote(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = text.iter().copied();
    let mut content = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        content.push(match byte {
            b'\\' => bytes.next().filter(|escaped| matches!(escaped, b'"' | b'\\'))?,
            b' '..=b'~' if byte != b'"' => byte,
            _ => return None,
        });
    }
    Some(content)
}

/// What a key without quotes may have: the characters of a token, of UUIDs and of Base64.
fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/=".contains(&byte)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use hyper::{Body, Request};

    use super::*;

    fn keyed(method: &str, target: &str, keys: &[&str]) -> Result<Option<KeyedRequest>, Problem> {
        let request = Request::builder().method(method).uri(target);
        let request = keys.iter().fold(request, |request, key| request.header(IDEMPOTENCY_KEY, *key));
        KeyedRequest::from_head(&request.body(Body::empty()).unwrap().into_parts().0)
    }

    fn key(method: &str, target: &str, key: &str, body: &str) -> RequestKey {
        let mut request = keyed(method, target, &[key]).unwrap().unwrap();
        request.add_body(body.as_bytes());
        request.key()
    }

    #[test]
    fn a_key_is_a_quoted_string_or_a_bare_token() {
        let parse = |text: &str| parse(&text.parse().unwrap());
        let uuid = "8e03978e-40d5-43dd-bc93-6894a57f9324";
        assert_eq!(parse(&format!("\"{uuid}\"")), Some(uuid.into()));
        assert_eq!(parse(uuid), Some(uuid.into()));
        assert_eq!(parse(r#""a \"b\" \\ ,;""#), Some(br#"a "b" \ ,;"#.to_vec()));
        assert!(parse(&"x".repeat(255)).is_some() && parse(&format!("\"{}\"", "x".repeat(255))).is_some());
        for malformed in [
            "",
            "\"\"",
            "\"",
            "\"a",
            "a\"",
            "a b",
            "a,b",
            "\"a\\b\"",
            "\"a\"b\"",
            "\"a\";x",
            "\"a\\\"",
            &"x".repeat(256),
        ] {
            assert_eq!(parse(malformed), None, "{malformed}");
        }
    }

    #[test]
    fn a_request_without_a_key_has_none_and_two_keys_are_rejected() {
        assert!(keyed("POST", "/things", &[]).unwrap().is_none());
        assert_eq!(keyed("POST", "/things", &["a", "a"]).unwrap_err().status(), 400);
        assert_eq!(keyed("POST", "/things", &["\""]).unwrap_err().status(), 400);
    }

    #[test]
    fn method_target_and_body_make_another_request_of_the_same_key() {
        let first = key("POST", "/things?a=1", "\"k\"", "body");
        assert_eq!(key("POST", "/things?a=1", "k", "body"), first);
        let others = [
            key("PUT", "/things?a=1", "k", "body"),
            key("POST", "/things?a=2", "k", "body"),
            key("POST", "/other?a=1", "k", "body"),
            key("POST", "/things?a=1", "k", "Body"),
        ];
        for other in others {
            assert_eq!(other.id, first.id);
            assert_ne!(other.request, first.request);
        }
        assert_ne!(key("POST", "/things?a=1", "l", "body").id, first.id);
    }
}
