//! The client for ordinary requests: nothing is followed, retried or turned into an error behind the test's back.

use std::time::Duration;

use ureq::http::{HeaderMap, Method, Request};

use super::Problem;

/// The longest any request of a test may take: a service that hangs fails the test instead of stopping it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Requests to one service. Cheap to clone; clones share connections.
#[derive(Clone)]
pub(crate) struct Client {
    base: String,
    agent: ureq::Agent,
}

/// An answer, read whole.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Client {
    /// A client with connections of its own for `base`, such as `http://127.0.0.1:41000`.
    pub(crate) fn new(base: &str) -> Self {
        Self::patient(base, PATIENCE)
    }

    /// The same, for requests that may take longer (or must not take as long) as usual.
    pub(crate) fn patient(base: &str, patience: Duration) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(patience))
            .max_idle_connections(128)
            .max_idle_connections_per_host(128)
            .max_response_header_size(256 * 1024)
            .build()
            .new_agent();
        Self { base: base.to_owned(), agent }
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Any request; an error is one of the connection, never a status.
    pub(crate) fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Reply, ureq::Error> {
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).expect("a method"))
            .uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = match body {
            Some(body) => self.agent.run(request.body(body).expect("a request"))?,
            None => self.agent.run(request.body(()).expect("a request"))?,
        };
        let body = response.body_mut().with_config().limit(u64::MAX).read_to_vec()?;
        Ok(Reply { status: response.status().as_u16(), headers: response.headers().clone(), body })
    }

    /// Any request that must be answered.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Reply {
        self.try_send(method, path, headers, body)
            .unwrap_or_else(|error| panic!("{method} {path} was not answered: {error}"))
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], None)
    }

    pub(crate) fn head(&self, path: &str) -> Reply {
        self.send("HEAD", path, &[], None)
    }

    pub(crate) fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, &[], None)
    }

    pub(crate) fn options(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.send("OPTIONS", path, headers, None)
    }

    /// POSTs a body declared as JSON.
    pub(crate) fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Reply {
        self.send("POST", path, &[("content-type", "application/json")], Some(body.as_ref()))
    }

    /// PUTs a body declared as JSON.
    pub(crate) fn put(&self, path: &str, body: impl AsRef<[u8]>) -> Reply {
        self.send("PUT", path, &[("content-type", "application/json")], Some(body.as_ref()))
    }
}

impl Reply {
    /// A header's value, if it is there.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a readable header"))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.summary()))
    }

    /// The entity tag, which must be a strong one.
    pub(crate) fn etag(&self) -> String {
        let tag = self.header("etag").unwrap_or_else(|| panic!("no ETag: {}", self.summary()));
        assert!(tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"'), "not a strong ETag: {tag}");
        tag.to_owned()
    }

    /// The answer itself, once its status is the expected one.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "unexpected answer: {}", self.summary());
        self
    }

    /// Checks for the walkthrough's `{"status":true}`.
    #[track_caller]
    pub(crate) fn expect_done(self) -> Self {
        let reply = self.expect(200);
        assert_eq!(reply.text(), r#"{"status":true}"#);
        assert_eq!(reply.header("content-type"), Some("application/json"));
        reply
    }

    /// The problem it must be: this status, this type, and everything that every problem has.
    #[track_caller]
    pub(crate) fn expect_problem(&self, status: u16, slug: &str) -> Problem {
        let request_id = self.header("x-request-id");
        let content_type = self.header("content-type");
        Problem::check(status, slug, self.status, content_type, request_id, &self.body)
    }

    /// What to print when it is not what it should be.
    pub(crate) fn summary(&self) -> String {
        let text = self.text();
        let shown: String = text.chars().take(600).collect();
        format!("{} {:?} {shown}", self.status, self.headers)
    }
}
