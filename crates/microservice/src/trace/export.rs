//! Sends spans to a collector by OTLP/HTTP: <https://opentelemetry.io/docs/specs/otlp/#otlphttp>.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Bytes, HttpBody as _};
use hyper::client::conn::{Builder, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{Body, Request, StatusCode};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::otlp;
use super::queue::SpanQueue;
use super::settings::ExportSettings;
use super::span::Span;
use crate::platform;

/// How often a batch is sent until it is given up, and the pause before the second time. The pause doubles.
const MAX_ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest part of a response that is read.
const MAX_RESPONSE_BYTES: usize = 64 * 1024;

/// The port of a URL without one.
const HTTP_PORT: u16 = 80;

/// The connection to the collector, and what it has not taken.
pub(super) struct Exporter {
    settings: ExportSettings,
    queue: Arc<SpanQueue>,
    /// Kept open between requests.
    connection: Option<SendRequest<Body>>,
    /// The last batch was lost.
    is_failing: bool,
}

/// Why the collector has not taken a batch.
struct ExportError {
    reason: String,
    /// Sending it again may help.
    is_temporary: bool,
}

impl ExportError {
    fn temporary(reason: impl fmt::Display) -> Self {
        Self { reason: reason.to_string(), is_temporary: true }
    }
}

impl Exporter {
    pub(super) fn new(settings: ExportSettings, queue: Arc<SpanQueue>) -> Self {
        Self { settings, queue, connection: None, is_failing: false }
    }

    /// Exports what is recorded, until the queue is closed.
    pub(super) async fn run(mut self) {
        let queue = Arc::clone(&self.queue);
        while !queue.is_closing() {
            tokio::select! {
                () = tokio::time::sleep(self.settings.delay) => {}
                () = queue.full_batch() => {}
                () = queue.closing() => break,
            }
            self.export(&queue.take_batch()).await;
            // Requests go on while a batch is sent: what is less than a batch waits for its time.
            while queue.has_full_batch() {
                self.export(&queue.take_batch()).await;
            }
        }
        loop {
            let batch = queue.take_batch();
            if batch.is_empty() {
                return queue.set_closed();
            }
            self.export(&batch).await;
        }
    }

    /// Sends a batch, again where that may help; only once where the process ends.
    async fn export(&mut self, batch: &[Span]) {
        let queue = Arc::clone(&self.queue);
        let Some(body) = Some(batch).filter(|batch| !batch.is_empty()).and_then(|batch| self.encode(batch)) else {
            return;
        };
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            match self.send_within_timeout(body.clone()).await {
                Ok(rejected) => {
                    self.queue.count_exported(batch.len().saturating_sub(rejected));
                    self.queue.count_rejected(rejected.min(batch.len()));
                    if self.is_failing {
                        tracing::info!("spans are exported again");
                    }
                    self.is_failing = false;
                    return;
                }
                Err(error) if error.is_temporary && attempt < MAX_ATTEMPTS && !queue.is_closing() => {
                    let pause_with_jitter = pause + pause.mul_f64(fastrand::f64());
                    // Once more at once where the process ends.
                    let _ = timeout(pause_with_jitter, queue.closing()).await;
                    pause *= 2;
                }
                Err(error) => {
                    self.queue.count_rejected(batch.len());
                    if !self.is_failing {
                        tracing::warn!(error = error.reason, "spans cannot be exported and are lost");
                    }
                    self.is_failing = true;
                    return;
                }
            }
        }
    }

    fn encode(&self, batch: &[Span]) -> Option<Bytes> {
        otlp::encode(&self.settings.resource, batch).ok().map(Bytes::from)
    }

    async fn send_within_timeout(&mut self, body: Bytes) -> Result<usize, ExportError> {
        let max = self.settings.timeout;
        let result = timeout(max, self.send(body)).await;
        let result = result.unwrap_or_else(|_| Err(ExportError::temporary(format!("no response within {max:?}"))));
        if result.is_err() {
            self.connection = None;
        }
        result
    }

    /// Sends a request; the number of spans that the collector has not taken out of it.
    async fn send(&mut self, body: Bytes) -> Result<usize, ExportError> {
        let request = self.request(body)?;
        let connection = self.connection().await?;
        let mut response = connection.send_request(request).await.map_err(ExportError::temporary)?;
        let mut received = Vec::new();
        while let Some(part) = response.data().await {
            let part = part.map_err(ExportError::temporary)?;
            if received.len() + part.len() > MAX_RESPONSE_BYTES {
                self.connection = None;
                break;
            }
            received.extend_from_slice(&part);
        }
        match response.status() {
            status if status.is_success() => Ok(otlp::rejected_spans(&received)),
            status => Err(ExportError {
                reason: format!("the collector's status is {}", status.as_u16()),
                is_temporary: matches!(
                    status,
                    StatusCode::TOO_MANY_REQUESTS
                        | StatusCode::BAD_GATEWAY
                        | StatusCode::SERVICE_UNAVAILABLE
                        | StatusCode::GATEWAY_TIMEOUT
                ),
            }),
        }
    }

    fn request(&self, body: Bytes) -> Result<Request<Body>, ExportError> {
        let ExportSettings { endpoint, headers, .. } = &self.settings;
        let path = endpoint.path_and_query().map_or("/", |path| path.as_str());
        let authority = endpoint.authority().map(|authority| authority.as_str()).unwrap_or_default();
        let mut request = Request::post(path).header(HOST, authority).body(Body::from(body));
        if let Ok(request) = &mut request {
            let all = request.headers_mut();
            all.insert(USER_AGENT, HeaderValue::from_static(env!("CARGO_PKG_NAME")));
            all.extend(headers.clone());
            all.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        request.map_err(|error| ExportError { reason: error.to_string(), is_temporary: false })
    }

    /// The connection, a new one where there is none.
    async fn connection(&mut self) -> Result<&mut SendRequest<Body>, ExportError> {
        let is_open = match &mut self.connection {
            Some(open) => std::future::poll_fn(|cx| open.poll_ready(cx)).await.is_ok(),
            None => false,
        };
        if !is_open {
            self.connection = Some(self.connect().await?);
        }
        self.connection.as_mut().ok_or_else(|| ExportError::temporary("no connection"))
    }

    async fn connect(&self) -> Result<SendRequest<Body>, ExportError> {
        let endpoint = &self.settings.endpoint;
        let host = endpoint.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let port = endpoint.port_u16().unwrap_or(HTTP_PORT);
        // A name is looked up first, which blocks the process (docs/PLATFORM.md).
        let stream = TcpStream::connect((host, port))
            .await
            .map_err(|error| ExportError::temporary(platform::resolve_error(host).unwrap_or(error)))?;
        let (sender, connection) = Builder::new().handshake(stream).await.map_err(ExportError::temporary)?;
        tokio::spawn(async move {
            // Its end shows in the next request.
            let _ = connection.await;
        });
        Ok(sender)
    }
}
