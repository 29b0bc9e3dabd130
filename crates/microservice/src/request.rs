//! A request, as handlers see it.

use std::sync::Arc;

use hyper::http::request::Parts;
use hyper::{Body, HeaderMap, Method};
use tokio::sync::OwnedSemaphorePermit;

use crate::access::{Caller, Scope};
use crate::app::App;
use crate::database::Deadline;
use crate::http::body::{self, MediaTypes, ReceivedBody, RequestPermits};
use crate::http::query::Query;
use crate::memory::{Holder, Reservation};
use crate::problem::Problem;
use crate::settings::Limits;

/// A request, and the limits under which it is handled.
#[derive(Debug)]
pub struct Request {
    head: Parts,
    body: Body,
    parameters: Vec<(&'static str, String)>,
    pub(crate) app: Arc<App>,
    admission: Admission,
}

/// What a request was admitted with.
#[derive(Debug)]
pub(crate) struct Admission {
    /// The request is in flight for as long as this lives.
    pub(crate) permit: Option<OwnedSemaphorePermit>,
    /// The request's connection, which holds memory.
    pub(crate) holder: Arc<Holder>,
}

impl Request {
    pub(crate) fn new(
        request: hyper::Request<Body>,
        parameters: Vec<(&'static str, String)>,
        app: Arc<App>,
        admission: Admission,
    ) -> Self {
        let (head, body) = request.into_parts();
        Self { head, body, parameters, app, admission }
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.head.method
    }

    /// True for `HEAD`: the response's body is not sent.
    #[must_use]
    pub fn is_head(&self) -> bool {
        self.head.method == Method::HEAD
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// A parameter of the route's path, through `parse`, as it stands in the path: percent-encoding is not decoded.
    ///
    /// # Errors
    /// 404 where `parse` gives None: such a path does not exist.
    pub fn path_parameter<T>(&self, name: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, Problem> {
        let value = self.parameters.iter().find(|(known, _)| *known == name);
        value.and_then(|(_, text)| parse(text)).ok_or_else(Problem::path_not_found)
    }

    /// The parameters of the query string.
    ///
    /// # Errors
    /// 400 for a parameter that is not among `known` or is repeated.
    pub fn query(&self, known: &[&str]) -> Result<Query, Problem> {
        Query::parse(self.head.uri.query().unwrap_or_default(), known)
    }

    /// Receives the body as JSON of at most `max` bytes.
    ///
    /// The request is not in flight until the body has arrived, so that slow senders do not keep others out.
    ///
    /// # Errors
    /// 415 for another media type, 413 for too many bytes, 408 where it takes too long, 400 where it breaks off, 503
    /// where too many bodies are held in memory or too many requests are in flight.
    pub async fn receive(&mut self, media_types: MediaTypes, max: usize) -> Result<ReceivedBody, Problem> {
        self.admission.permit = None;
        let (body, memory) = (std::mem::take(&mut self.body), Reservation::new(&self.admission.holder));
        body::receive(&self.app, &self.head.headers, body, media_types, max, memory).await
    }

    /// Receives the body as JSON of at most `max` bytes, piece by piece: for bodies that are too long to be held or
    /// decoded as a whole. The memory for what `consume` makes of the pieces is reserved by their length. After an
    /// error of `consume` the rest of the body is discarded.
    ///
    /// # Errors
    /// Those of [`Request::receive`], and the first one of `consume`.
    pub async fn receive_pieces(
        &mut self,
        media_types: MediaTypes,
        max: usize,
        consume: impl FnMut(&[u8]) -> Result<(), Problem> + Send,
    ) -> Result<RequestPermits, Problem> {
        self.admission.permit = None;
        let (body, memory) = (std::mem::take(&mut self.body), Reservation::new(&self.admission.holder));
        body::receive_pieces(&self.app, &self.head.headers, body, media_types, max, memory, consume).await
    }

    /// Reserves memory in the budget of all clients, for values that grow with what the client asks for. A response's
    /// own body is reserved by the kit.
    ///
    /// # Errors
    /// 503 where the budget is used up.
    pub async fn reserve_memory(&self, bytes: usize) -> Result<Reservation, Problem> {
        let mut memory = Reservation::new(&self.admission.holder);
        memory.grow_to(bytes).await?;
        Ok(memory)
    }

    /// The same without a wait.
    ///
    /// # Errors
    /// 503 where the budget is used up.
    pub(crate) fn try_reserve_memory(&self, bytes: usize) -> Result<Reservation, Problem> {
        let mut memory = Reservation::new(&self.admission.holder);
        if memory.try_grow_to(bytes) { Ok(memory) } else { Err(Problem::out_of_memory()) }
    }

    /// The body, unread.
    pub fn take_body(&mut self) -> Body {
        std::mem::take(&mut self.body)
    }

    /// Who sent the request. None where the route needs no token.
    #[must_use]
    pub fn caller(&self) -> Option<&Caller> {
        self.head.extensions.get()
    }

    /// Requires a scope beyond the route's, where callers need a token at all.
    ///
    /// # Errors
    /// 403 where the caller's token does not have it.
    pub fn require(&self, scope: Scope) -> Result<(), Problem> {
        self.app.credentials.require(self.caller(), scope, self.app.name)
    }

    /// The limits that the configuration sets.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.app.limits
    }

    /// The moment by which the work at the database must be done: `REQUEST_TIMEOUT` from now.
    #[must_use]
    pub fn deadline(&self) -> Deadline {
        Deadline::after(self.app.limits.request_timeout)
    }
}
