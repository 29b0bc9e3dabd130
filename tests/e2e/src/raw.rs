//! testkit's raw HTTP connection for tests: an unexpected end fails the test.

use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use testkit::http;

use crate::{Problem, TIMEOUT, wait_for_within};

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
