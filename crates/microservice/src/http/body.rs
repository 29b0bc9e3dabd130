//! Receives bodies. Checks the media type, the size, the time, and the memory that all bodies share.

use std::error::Error as _;
use std::io;

use hyper::body::{Bytes, HttpBody as _};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE};
use hyper::{Body, HeaderMap};
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

use crate::api::MediaTypes;
use crate::app::App;
use crate::memory::Reservation;
use crate::problem::Problem;

/// The first allocation for a body, in bytes. It grows as the body arrives: a client can announce a long body and never
/// send it.
const MIN_CAPACITY: usize = 4 * 1024;

/// From this capacity on the buffer grows by a quarter at a time, in bytes: doubling would reserve twice what has
/// arrived.
const DOUBLE_UP_TO: usize = 1024 * 1024;

/// A received body, its reserved memory, and its request's permit to be in flight.
#[derive(Debug)]
pub struct ReceivedBody {
    bytes: Vec<u8>,
    memory: Reservation,
    in_flight: Option<OwnedSemaphorePermit>,
}

/// The memory and the permit that a request holds while it is handled.
#[derive(Debug)]
pub struct RequestPermits {
    _memory: Reservation,
    _in_flight: Option<OwnedSemaphorePermit>,
}

impl ReceivedBody {
    /// The body.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Decodes the body.
    ///
    /// # Errors
    /// 400 where it is not JSON, or not of the type's shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_slice(&self.bytes).map_err(|error| Problem::invalid_json(error.to_string()))
    }

    /// Drops the bytes but keeps the permits: the values that were decoded from the bytes need the memory now.
    #[must_use]
    pub fn into_permits(self) -> RequestPermits {
        RequestPermits { _memory: self.memory, _in_flight: self.in_flight }
    }

    const fn new(memory: Reservation) -> Self {
        Self { bytes: Vec::new(), memory, in_flight: None }
    }

    /// Grows the buffer for `additional` more bytes of a body of at most `max`, and reserves the memory for them.
    async fn reserve(&mut self, additional: usize, max: usize) -> Result<(), Problem> {
        let needed = self.bytes.len() + additional;
        if needed <= self.bytes.capacity() {
            return Ok(());
        }
        let capacity = grown_capacity(needed).min(max).max(needed);
        self.memory.grow_to(capacity).await?;
        self.bytes.reserve_exact(capacity - self.bytes.len());
        Ok(())
    }
}

/// The capacity of a buffer that needs this much now.
fn grown_capacity(needed: usize) -> usize {
    if needed <= DOUBLE_UP_TO { needed.next_power_of_two().max(MIN_CAPACITY) } else { needed + needed / 4 }
}

/// Receives the body. Its request is in flight only once the body has arrived: slow senders do not keep others out.
pub(crate) async fn receive(
    app: &App,
    headers: &HeaderMap,
    body: Body,
    media_types: MediaTypes,
    max: usize,
    memory: Reservation,
) -> Result<ReceivedBody, Problem> {
    check_type(headers, media_types)?;
    let mut incoming = Incoming::new(app, body, max)?;
    let max_capacity = incoming.announced.unwrap_or(max);
    let mut received = ReceivedBody::new(memory);
    while let Some(chunk) = incoming.next().await? {
        received.reserve(chunk.len(), max_capacity).await?;
        received.bytes.extend_from_slice(&chunk);
    }
    Ok(ReceivedBody { in_flight: Some(app.admit()?), ..received })
}

/// Receives the body, and hands it on piece by piece.
pub(crate) async fn receive_pieces(
    app: &App,
    headers: &HeaderMap,
    body: Body,
    media_types: MediaTypes,
    max: usize,
    mut memory: Reservation,
    mut consume: impl FnMut(&[u8]) -> Result<(), Problem> + Send,
) -> Result<RequestPermits, Problem> {
    check_type(headers, media_types)?;
    let mut incoming = Incoming::new(app, body, max)?;
    let mut result = Ok(());
    while let Some(chunk) = incoming.next().await? {
        if result.is_err() {
            // The client reads no response before it has sent its body.
            continue;
        }
        memory.grow_to(incoming.received).await?;
        result = consume(&chunk);
        if result.is_err() {
            memory.shrink_to(0);
        }
    }
    result?;
    Ok(RequestPermits { _memory: memory, _in_flight: Some(app.admit()?) })
}

/// A body that arrives, within its limit and its time.
struct Incoming {
    body: Body,
    announced: Option<usize>,
    max: usize,
    deadline: Instant,
    received: usize,
}

impl Incoming {
    fn new(app: &App, body: Body, max: usize) -> Result<Self, Problem> {
        let announced = body.size_hint().exact().map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        if announced.is_some_and(|length| length > max) {
            return Err(Problem::body_too_large(max));
        }
        Ok(Self { body, announced, max, deadline: Instant::now() + app.limits.body_timeout, received: 0 })
    }

    /// The next piece; None at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        match timeout_at(self.deadline, self.body.data()).await {
            Err(_) => Err(Problem::body_timeout()),
            Ok(None) => Ok(None),
            Ok(Some(Err(error))) if is_timeout(&error) => Err(Problem::body_timeout()),
            Ok(Some(Err(_))) => Err(Problem::broken_body()),
            Ok(Some(Ok(chunk))) => {
                self.received = self.received.saturating_add(chunk.len());
                if self.received > self.max { Err(Problem::body_too_large(self.max)) } else { Ok(Some(chunk)) }
            }
        }
    }
}

/// True where the connection's own timeout has ended the body.
fn is_timeout(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::TimedOut)
}

/// Fails unless the body is declared as JSON without an encoding. One without a type is taken as JSON (RFC 9110 §8.3).
fn check_type(headers: &HeaderMap, media_types: MediaTypes) -> Result<(), Problem> {
    for encoding in headers.get_all(CONTENT_ENCODING) {
        if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") {
            return Err(Problem::unsupported_media_type("A body must come without Content-Encoding."));
        }
    }
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (first, second) = (types.next(), types.next());
    let Some(first) = first else { return Ok(()) };
    let content_type = first.to_str().unwrap_or_default().to_ascii_lowercase();
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let is_json = essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
    let is_form = essence == "application/x-www-form-urlencoded" && media_types == MediaTypes::JsonOrForm;
    let is_utf8 = parts.filter_map(|part| part.strip_prefix("charset=")).all(|name| name.trim_matches('"') == "utf-8");
    if second.is_none() && (is_json || is_form) && is_utf8 {
        Ok(())
    } else {
        Err(Problem::unsupported_media_type("A body must be application/json in UTF-8."))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn headers(content_type: &str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, content_type.parse().unwrap())])
    }

    #[test]
    fn each_name_of_json_is_accepted() {
        for name in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;charset=\"utf-8\"",
            "application/vnd.x+json",
        ] {
            assert!(check_type(&headers(name), MediaTypes::Json).is_ok(), "{name}");
        }
        assert!(check_type(&HeaderMap::new(), MediaTypes::Json).is_ok());
    }

    #[test]
    fn a_form_is_accepted_as_json_only_where_the_route_says_so() {
        let form = headers("application/x-www-form-urlencoded");
        assert!(check_type(&form, MediaTypes::JsonOrForm).is_ok());
        assert!(check_type(&form, MediaTypes::Json).is_err());
    }

    #[test]
    fn other_media_types_are_rejected() {
        for name in
            ["text/plain", "application/xml", "", "json", "application/json; charset=latin1", "multipart/form-data"]
        {
            assert!(check_type(&headers(name), MediaTypes::JsonOrForm).is_err(), "{name}");
        }
        let mut twice = headers("application/json");
        twice.append(CONTENT_TYPE, "application/json".parse().unwrap());
        assert!(check_type(&twice, MediaTypes::Json).is_err());
        let zipped = HeaderMap::from_iter([(CONTENT_ENCODING, "gzip".parse().unwrap())]);
        assert!(check_type(&zipped, MediaTypes::Json).is_err());
    }

    #[test]
    fn a_buffer_grows_with_what_has_arrived() {
        assert_eq!(grown_capacity(10), MIN_CAPACITY);
        assert_eq!(grown_capacity(MIN_CAPACITY + 1), 2 * MIN_CAPACITY);
        assert_eq!(grown_capacity(8 * DOUBLE_UP_TO), 10 * DOUBLE_UP_TO);
    }
}
