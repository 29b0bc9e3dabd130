//! testkit's HTTP clients for tests: what must not happen fails the test.

use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use testkit::http;

use crate::{Problem, TIMEOUT, wait_for_within};

/// Sends ordinary requests to one service. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Client(http::Client);

impl Client {
    /// A client with connections of its own for `base`, such as `http://127.0.0.1:41000`.
    pub fn new(base: &str) -> Self {
        Self(http::Client::new(base))
    }

    /// The service's URL.
    pub fn base(&self) -> &str {
        self.0.base()
    }

    /// Sends a request that may get no response. No status is an error.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> anyhow::Result<Response> {
        self.0.send(method, path, headers, body).map(Response)
    }

    /// Sends a request that must get a response.
    #[track_caller]
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Response {
        self.try_send(method, path, headers, body)
            .unwrap_or_else(|error| panic!("no response to {method} {path}: {error:#}"))
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

/// A response as it came over a connection. Dereferences to testkit's.
#[derive(Debug)]
pub struct RawResponse {
    /// The status code.
    pub status: u16,
    response: http::RawResponse,
}

impl RawResponse {
    fn new(response: http::RawResponse) -> Self {
        Self { status: response.status(), response }
    }

    /// The problem in the body. It must have this status and type, and all members that every problem has.
    #[track_caller]
    pub fn expect_problem(&self, status: u16, slug: &str) -> Problem {
        let (content_type, request_id) = (self.header("content-type"), self.header("x-request-id"));
        Problem::check(status, slug, self.status, content_type, request_id, &self.body)
    }

    /// The problem in the body, which must be one.
    #[track_caller]
    pub fn expect_any_problem(&self) -> Problem {
        let text = self.text();
        let slug = text.split_once("\"urn:order-service:problem:").and_then(|(_, rest)| rest.split('"').next());
        let slug = slug.unwrap_or_else(|| panic!("not a problem: {} {text}", self.head));
        self.expect_problem(self.status, slug)
    }
}

impl Deref for Response {
    type Target = http::Response;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Deref for RawResponse {
    type Target = http::RawResponse;

    fn deref(&self) -> &Self::Target {
        &self.response
    }
}

/// One connection to a service, for requests that no ordinary client sends. Dereferences to testkit's.
pub struct RawConnection(http::RawConnection);

impl RawConnection {
    /// Connects.
    #[track_caller]
    pub fn connect(address: SocketAddr) -> Self {
        Self(http::RawConnection::connect(address).unwrap_or_else(|error| panic!("{error:#}")))
    }

    /// A connection with a small receive buffer, so that the service notices a slow reader early.
    #[track_caller]
    pub fn connect_with_small_buffer(address: SocketAddr) -> Self {
        Self(http::RawConnection::connect_with_small_buffer(address).unwrap_or_else(|error| panic!("{error:#}")))
    }

    /// Sends bytes. A connection that the service has closed is no failure here: its response may still be readable.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let _ = self.0.send(bytes);
        self
    }

    /// Sends bytes, unless the connection does not take them.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.0.send(bytes)
    }

    /// A second handle of the same connection, to send with while this one reads.
    pub fn writer(&self) -> Self {
        Self(self.0.try_clone().expect("a descriptor"))
    }

    /// Closes the sending half.
    pub fn shutdown_write(&mut self) -> &mut Self {
        let _ = self.0.shutdown_write();
        self
    }

    /// Closes the connection with a reset.
    pub fn reset(self) {
        self.0.reset().expect("an option");
    }

    /// The next response; `None` when the connection ended before its end.
    pub fn response(&mut self) -> Option<RawResponse> {
        self.0.read_response().ok().map(RawResponse::new)
    }

    /// The next response, to a request of that method.
    pub fn response_to(&mut self, method: &str) -> Option<RawResponse> {
        self.0.read_response_to(method).ok().map(RawResponse::new)
    }

    /// The next response, which must be complete.
    #[track_caller]
    pub fn expect_response(&mut self) -> RawResponse {
        let response = self.0.read_response().unwrap_or_else(|error| panic!("no response: {error:#}"));
        RawResponse::new(response)
    }

    /// Reads pieces of at most 4 KiB with pauses; the next response begins with them.
    #[track_caller]
    pub fn read_slowly(&mut self, times: usize, pause: Duration) {
        self.0.read_slowly(times, pause).unwrap_or_else(|error| panic!("{error:#}"));
    }

    /// Reads until the service closes the connection, which must happen within the timeout of a test.
    #[track_caller]
    pub fn read_until_closed(&mut self) -> Vec<u8> {
        wait_for_within(TIMEOUT, "the service to close the connection", || self.is_closed().then_some(()));
        self.0.read_to_end().unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// Waits until the service closes the connection, which must happen within `timeout`. Returns the time that it
    /// took.
    #[track_caller]
    pub fn expect_close_within(&mut self, timeout: Duration) -> Duration {
        let started = Instant::now();
        self.read_until_closed();
        let elapsed = started.elapsed();
        assert!(elapsed <= timeout, "closed after {elapsed:?} instead of {timeout:?}");
        elapsed
    }

    /// Whether the service has closed the connection. This does not wait, and keeps what the service has sent.
    pub fn is_closed(&mut self) -> bool {
        self.0.is_closed().expect("an option")
    }

    /// Everything up to and including `end`, if it comes within `timeout`.
    pub fn read_until(&mut self, end: &[u8], timeout: Duration) -> Option<Vec<u8>> {
        self.0.read_until_within(end, timeout).ok()
    }
}

impl Deref for RawConnection {
    type Target = http::RawConnection;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for RawConnection {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}
