//! Errors of the service: RFC 9457 `application/problem+json`.

use serde::Deserialize;

/// A problem. Unknown members fail the test, because all members are documented.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// The URI of the type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The title of the type.
    pub title: String,
    /// The status code.
    pub status: u16,
    /// The explanation of this occurrence.
    pub detail: String,
    /// The request's id.
    pub request_id: String,
    /// The invalid fields.
    #[serde(default)]
    pub errors: Vec<FieldError>,
}

/// An invalid field.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldError {
    /// The name of the field.
    pub field: String,
    /// The explanation.
    pub detail: String,
}

/// Text that no response with a status of 500 or above may contain.
const SECRETS: [&str; 9] = ["mysql", "mariadb", "sql", "select ", "insert ", "src/", ".rs", "panick", "127.0.0.1"];

impl Problem {
    /// Parses a problem and checks all rules that every problem follows.
    #[track_caller]
    pub fn check(
        expected_status: u16,
        slug: &str,
        status: u16,
        content_type: Option<&str>,
        request_id: Option<&str>,
        body: &[u8],
    ) -> Self {
        let text = String::from_utf8_lossy(body);
        assert_eq!(status, expected_status, "expected {slug}, got {text}");
        assert_eq!(content_type, Some("application/problem+json"), "content type of {text}");
        let problem: Self =
            serde_json::from_slice(body).unwrap_or_else(|error| panic!("not a problem ({error}): {text}"));
        assert_eq!(problem.kind, format!("urn:order-service:problem:{slug}"), "{text}");
        assert_eq!(problem.status, status, "the body's status is the status line's: {text}");
        assert!(!problem.title.is_empty() && !problem.detail.is_empty(), "says nothing: {text}");
        assert_eq!(Some(problem.request_id.as_str()), request_id, "the request id of body and header: {text}");
        if status >= 500 {
            let lower = text.to_lowercase();
            for secret in SECRETS {
                assert!(!lower.contains(secret), "a {status} reveals internals ({secret:?}): {text}");
            }
        }
        problem
    }

    /// The names of the invalid fields.
    pub fn fields(&self) -> Vec<&str> {
        self.errors.iter().map(|error| error.field.as_str()).collect()
    }

    /// Whether this field is reported as invalid, with an explanation.
    pub fn has_error_for(&self, field: &str) -> bool {
        self.errors.iter().any(|error| error.field == field && !error.detail.is_empty())
    }
}
