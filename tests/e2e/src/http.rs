//! testkit's ordinary HTTP client for tests: a missing response fails the test.

use std::ops::Deref;

use testkit::http;

use crate::Problem;
use crate::described::{self, Listener};

/// Sends ordinary requests to one listener. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Client {
    client: http::Client,
    listener: Listener,
}

impl Client {
    /// A client of the order service's public listener, with connections of its own, for `base`, such as
    /// `http://127.0.0.1:41000`.
    pub fn new(base: &str) -> Self {
        Self { client: http::Client::new(base), listener: Listener::Public }
    }

    /// A client of its operator's listener.
    pub fn operators(base: &str) -> Self {
        Self { listener: Listener::Operators, ..Self::new(base) }
    }

    /// A client of another service.
    pub fn of_another_service(base: &str) -> Self {
        Self { listener: Listener::Other, ..Self::new(base) }
    }

    /// The service's URL.
    pub fn base(&self) -> &str {
        self.client.base()
    }

    /// Sends a request that may get no response. No status is an error.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> anyhow::Result<Response> {
        self.client.send(method, path, headers, body).map(Response)
    }

    /// Sends a request that must get a response, which must be one that the API's description has.
    #[track_caller]
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Response {
        let response = self
            .try_send(method, path, headers, body)
            .unwrap_or_else(|error| panic!("no response to {method} {path}: {error:#}"));
        described::check(self.listener, method, path, &response.0);
        response
    }

    /// `GET`.
    #[track_caller]
    pub fn get(&self, path: &str) -> Response {
        self.send("GET", path, &[], None)
    }

    /// `HEAD`.
    #[track_caller]
    pub fn head(&self, path: &str) -> Response {
        self.send("HEAD", path, &[], None)
    }

    /// `DELETE`.
    #[track_caller]
    pub fn delete(&self, path: &str) -> Response {
        self.send("DELETE", path, &[], None)
    }

    /// `OPTIONS`.
    #[track_caller]
    pub fn options(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        self.send("OPTIONS", path, headers, None)
    }

    /// POSTs a JSON body.
    #[track_caller]
    pub fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Response {
        self.send("POST", path, &[("content-type", "application/json")], Some(body.as_ref()))
    }

    /// PUTs a JSON body.
    #[track_caller]
    pub fn put(&self, path: &str, body: impl AsRef<[u8]>) -> Response {
        self.send("PUT", path, &[("content-type", "application/json")], Some(body.as_ref()))
    }
}

/// A response with its whole body. Dereferences to testkit's.
#[derive(Clone, Debug)]
pub struct Response(http::Response);

impl Response {
    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.summary()))
    }

    /// The entity tag, which must be a strong one.
    #[track_caller]
    pub fn etag(&self) -> String {
        let tag = self.header("etag").unwrap_or_else(|| panic!("no ETag: {}", self.summary()));
        assert!(tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"'), "not a strong ETag: {tag}");
        tag.to_owned()
    }

    /// The response itself, which must have this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "unexpected response: {}", self.summary());
        self
    }

    /// The response itself, which must be the walkthrough's `{"status":true}`.
    #[track_caller]
    pub fn expect_done(self) -> Self {
        let response = self.expect(200);
        assert_eq!(response.text(), r#"{"status":true}"#);
        assert_eq!(response.header("content-type"), Some("application/json"));
        response
    }

    /// The problem in the body. It must have this status and type, and all members that every problem has.
    #[track_caller]
    pub fn expect_problem(&self, status: u16, slug: &str) -> Problem {
        let (content_type, request_id) = (self.header("content-type"), self.header("x-request-id"));
        Problem::check(status, slug, self.status, content_type, request_id, &self.body)
    }
}

impl Deref for Response {
    type Target = http::Response;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
