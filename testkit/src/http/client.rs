//! The client for ordinary requests, on `ureq`. It follows no redirect, retries nothing and reports no status as an
//! error.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ureq::http::{HeaderMap, Method, Request};

/// The timeout of a whole request unless [`Client::with_timeout`] sets another one.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

const JSON: (&str, &str) = ("content-type", "application/json");

/// Sends requests to one server. Clones share connections, which are kept alive.
#[derive(Clone, Debug)]
pub struct Client {
    base: String,
    agent: ureq::Agent,
}

/// A response with its whole body.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body, without its transfer coding.
    pub body: Vec<u8>,
}

impl Client {
    /// A client with connections of its own for `base`, such as `http://127.0.0.1:41000`. It connects with the first
    /// request, in the network namespace of the requesting thread.
    #[must_use]
    pub fn new(base: &str) -> Self {
        Self::with_timeout(base, REQUEST_TIMEOUT)
    }

    /// The same with another timeout for each request.
    #[must_use]
    pub fn with_timeout(base: &str, timeout: Duration) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(timeout))
            .max_idle_connections(128)
            .max_idle_connections_per_host(128)
            .max_response_header_size(256 * 1024)
            .proxy(None)
            .build()
            .new_agent();
        Self { base: base.trim_end_matches('/').to_owned(), agent }
    }

    /// The server's URL, without a slash at the end.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Sends a request and reads the response.
    ///
    /// # Errors
    /// When no complete response came within the timeout, whatever its status.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Result<Response> {
        let method = Method::from_bytes(method.as_bytes()).context("not a method")?;
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = match body {
            Some(body) => self.agent.run(request.body(body)?)?,
            None => self.agent.run(request.body(())?)?,
        };
        let body = response.body_mut().with_config().limit(u64::MAX).read_to_vec()?;
        Ok(Response { status: response.status().as_u16(), headers: response.headers().clone(), body })
    }

    /// `GET`.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub fn get(&self, path: &str) -> Result<Response> {
        self.send("GET", path, &[], None)
    }

    /// `DELETE`.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub fn delete(&self, path: &str) -> Result<Response> {
        self.send("DELETE", path, &[], None)
    }

    /// `POST` with a JSON body.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Result<Response> {
        self.send("POST", path, &[JSON], Some(body.as_ref()))
    }

    /// `PUT` with a JSON body.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub fn put(&self, path: &str, body: impl AsRef<[u8]>) -> Result<Response> {
        self.send("PUT", path, &[JSON], Some(body.as_ref()))
    }
}

impl Response {
    /// The value of a header field, if it is present and text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as text; invalid UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The response itself, if its status is the expected one.
    ///
    /// # Errors
    /// When it has another status; the error holds the [`Response::summary`].
    pub fn require_status(self, status: u16) -> Result<Self> {
        ensure!(self.status == status, "status {} instead of {status}: {}", self.status, self.summary());
        Ok(self)
    }

    /// The status, the header fields and the start of the body, for messages.
    #[must_use]
    pub fn summary(&self) -> String {
        let start: String = self.text().chars().take(600).collect();
        format!("{} {:?} {start}", self.status, self.headers)
    }
}
