//! Receiving a body: of the right type, within its bound, in time, and within the memory that all bodies share.

use std::sync::Arc;

use hyper::body::HttpBody as _;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE};
use hyper::{Body, HeaderMap, Request};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::App;
use crate::error::Error;

/// Bytes for one permit of [`App`]'s `buffers`.
pub(super) const UNIT: usize = 1024;

/// What is set aside for a body at first; more only as more has come.
const FIRST_CAPACITY: usize = 4 * UNIT;

/// From here on a body that has announced its length is believed.
const BELIEVED_FROM: usize = 1024 * UNIT;

/// What may stand in `Content-Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accepts {
    /// JSON.
    Json,
    /// JSON, also where it is called a form: `curl -d` says so of whatever it sends, and the walkthrough uses it.
    JsonOrForm,
}

/// A received body, its share of the memory for bodies, and its request's place among those being worked on.
pub(super) struct Received {
    bytes: Vec<u8>,
    share: Option<OwnedSemaphorePermit>,
    place: Option<OwnedSemaphorePermit>,
}

/// What a request holds while it is worked on.
pub(super) type Held = [Option<OwnedSemaphorePermit>; 2];

impl Received {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Lets go of the bytes but keeps the share, since what was made of them takes their place.
    pub(super) fn into_held(self) -> Held {
        [self.share, self.place]
    }
}

/// Receives the body.
pub(super) async fn receive(
    app: &App,
    request: Request<Body>,
    accepts: Accepts,
    most: usize,
) -> Result<Received, Error> {
    check_type(request.headers(), accepts)?;
    let mut body = request.into_body();
    let announced = body.size_hint().exact().map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    if announced.is_some_and(|length| length > most) {
        return Err(Error::BodyTooLarge(most));
    }
    let deadline = Instant::now() + app.limits.body_timeout;
    let mut received = Received { bytes: Vec::new(), share: None, place: None };
    loop {
        match timeout_at(deadline, body.data()).await {
            Err(_) => return Err(Error::BodyTimedOut),
            Ok(None) => return Ok(Received { place: Some(app.admit()?), ..received }),
            Ok(Some(Err(_))) => return Err(Error::BodyBroken),
            Ok(Some(Ok(piece))) => {
                if received.bytes.len() + piece.len() > most {
                    return Err(Error::BodyTooLarge(most));
                }
                received.make_room(piece.len(), announced.unwrap_or(most), announced.is_some(), &app.buffers)?;
                received.bytes.extend_from_slice(&piece);
            }
        }
    }
}

impl Received {
    /// Sees to it that so many more bytes fit, and that the memory for them is this body's.
    ///
    /// `length` is the body's where that `is_announced`, else the most it may be.
    fn make_room(
        &mut self,
        more: usize,
        length: usize,
        is_announced: bool,
        buffers: &Arc<Semaphore>,
    ) -> Result<(), Error> {
        let needed = self.bytes.len() + more;
        if needed <= self.bytes.capacity() {
            return Ok(());
        }
        let is_believed = is_announced && needed > BELIEVED_FROM;
        let grown = needed.next_power_of_two().max(FIRST_CAPACITY);
        let capacity = if is_believed { length } else { grown.min(length) }.max(needed);
        let units = (capacity - self.bytes.capacity()).div_ceil(UNIT);
        let share = u32::try_from(units).ok().and_then(|units| Arc::clone(buffers).try_acquire_many_owned(units).ok());
        let share = share.ok_or(Error::Overloaded("too many large bodies are being received"))?;
        match &mut self.share {
            Some(all) => all.merge(share),
            none => *none = Some(share),
        }
        self.bytes.reserve_exact(capacity - self.bytes.len());
        Ok(())
    }
}

/// Fails unless the body says it is JSON as it stands. One that says nothing is taken for JSON (RFC 9110 §8.3).
fn check_type(headers: &HeaderMap, accepts: Accepts) -> Result<(), Error> {
    for encoding in headers.get_all(CONTENT_ENCODING) {
        if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") {
            return Err(Error::UnsupportedMediaType("a body must come without Content-Encoding"));
        }
    }
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (first, second) = (types.next(), types.next());
    let Some(first) = first else { return Ok(()) };
    let content_type = first.to_str().unwrap_or_default().to_ascii_lowercase();
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let is_json = essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
    let is_form = essence == "application/x-www-form-urlencoded" && accepts == Accepts::JsonOrForm;
    let is_utf8 = parts.filter_map(|part| part.strip_prefix("charset=")).all(|name| name.trim_matches('"') == "utf-8");
    if second.is_none() && (is_json || is_form) && is_utf8 {
        Ok(())
    } else {
        Err(Error::UnsupportedMediaType("a body must be application/json in UTF-8"))
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
    fn json_is_taken_by_each_of_its_names() {
        for name in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;charset=\"utf-8\"",
            "application/vnd.x+json",
        ] {
            assert!(check_type(&headers(name), Accepts::Json).is_ok(), "{name}");
        }
        assert!(check_type(&HeaderMap::new(), Accepts::Json).is_ok());
    }

    #[test]
    fn a_form_is_taken_for_json_in_the_walkthrough_only() {
        let form = headers("application/x-www-form-urlencoded");
        assert!(check_type(&form, Accepts::JsonOrForm).is_ok());
        assert!(check_type(&form, Accepts::Json).is_err());
    }

    #[test]
    fn anything_else_is_refused() {
        for name in
            ["text/plain", "application/xml", "", "json", "application/json; charset=latin1", "multipart/form-data"]
        {
            assert!(check_type(&headers(name), Accepts::JsonOrForm).is_err(), "{name}");
        }
        let mut twice = headers("application/json");
        twice.append(CONTENT_TYPE, "application/json".parse().unwrap());
        assert!(check_type(&twice, Accepts::Json).is_err());
        let zipped = HeaderMap::from_iter([(CONTENT_ENCODING, "gzip".parse().unwrap())]);
        assert!(check_type(&zipped, Accepts::Json).is_err());
    }

    #[test]
    fn memory_is_taken_as_it_is_needed_and_refused_beyond_the_bound() {
        let buffers = Arc::new(Semaphore::new(8));
        let empty = || Received { bytes: Vec::new(), share: None, place: None };
        let mut body = empty();
        assert!(body.make_room(10, 100 * UNIT, true, &buffers).is_ok());
        assert_eq!(buffers.available_permits(), 4);
        let mut other = empty();
        assert!(other.make_room(8 * UNIT, 100 * UNIT, false, &buffers).is_err());
        drop(body);
        assert!(other.make_room(5 * UNIT, 8 * UNIT, false, &buffers).is_ok());
        assert_eq!(buffers.available_permits(), 0, "no more than the body may have");
    }
}
