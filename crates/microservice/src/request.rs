//! A request, as handlers see it.

use std::sync::Arc;

use hyper::http::request::Parts;
use hyper::{Body, HeaderMap, Method};
use tokio::sync::OwnedSemaphorePermit;

use crate::access::{Caller, Scope};
use crate::api::{MediaTypes, Operation, Parameter};
use crate::app::App;
use crate::database::{Deadline, Write};
use crate::http::body::{self, ReceivedBody, RequestPermits};
use crate::http::query::Query;
use crate::idempotency::KeyedRequest;
use crate::memory::{Holder, Reservation};
use crate::problem::Problem;
use crate::settings::Limits;

/// A request, and the limits under which it is handled.
#[derive(Debug)]
pub struct Request {
    head: Parts,
    body: Body,
    route: MatchedRoute,
    query: Query,
    /// None where the request has no idempotency key, or its route takes none.
    keyed: Option<KeyedRequest>,
    pub(crate) app: Arc<App>,
    admission: Admission,
}

/// What a request's route says of it.
#[derive(Debug)]
pub(crate) struct MatchedRoute {
    pub(crate) operation: Option<&'static Operation>,
    /// The values of the path's parameters, by name.
    pub(crate) parameters: Vec<(&'static str, String)>,
    /// The route is for health checks.
    pub(crate) is_probe: bool,
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
    /// A request for a route.
    ///
    /// # Errors
    /// 400 for a parameter of the query string that the route does not have, or a repeated one, and for a malformed
    /// idempotency key. Health checks pass with any: some of them add one against caches.
    pub(crate) fn new(
        request: hyper::Request<Body>,
        route: MatchedRoute,
        app: Arc<App>,
        admission: Admission,
    ) -> Result<Self, Problem> {
        let (head, body) = request.into_parts();
        let known = route.operation.map(|operation| operation.query_parameters).unwrap_or_default();
        let query = match head.uri.query() {
            Some(text) if !route.is_probe => Query::parse(text, known)?,
            _ => Query::default(),
        };
        let takes_key = route.operation.is_some_and(|operation| operation.takes_idempotency_key);
        let keyed = if takes_key { KeyedRequest::from_head(&head)? } else { None };
        Ok(Self { head, body, route, query, keyed, app, admission })
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

    /// A parameter of the route's path, as it stands in the path: percent-encoding is not decoded.
    ///
    /// # Errors
    /// 404 where the value is invalid: such a path does not exist.
    pub fn path_parameter<T>(&self, parameter: &Parameter<T>) -> Result<T, Problem> {
        let value = self.route.parameters.iter().find(|(known, _)| *known == parameter.name());
        value.and_then(|(_, value)| parameter.parse(value).ok()).ok_or_else(Problem::path_not_found)
    }

    /// The parameters of the query string. Unknown and repeated ones are rejected already.
    #[must_use]
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// The media types under which the route accepts JSON.
    fn media_types(&self) -> MediaTypes {
        let body = self.route.operation.and_then(|operation| operation.body.as_ref());
        body.map_or(MediaTypes::Json, |body| body.media_types)
    }

    /// Receives the body as JSON of at most `max` bytes, under the media types of the route's operation.
    ///
    /// The request is not in flight until the body has arrived, so that slow senders do not keep others out.
    ///
    /// # Errors
    /// 415 for another media type, 413 for too many bytes, 408 where it takes too long, 400 where it breaks off, 503
    /// where too many bodies are held in memory or too many requests are in flight.
    pub async fn receive(&mut self, max: usize) -> Result<ReceivedBody, Problem> {
        self.admission.permit = None;
        let media_types = self.media_types();
        let (body, memory) = (std::mem::take(&mut self.body), Reservation::new(&self.admission.holder));
        let received = body::receive(&self.app, &self.head.headers, body, media_types, max, memory).await?;
        if let Some(keyed) = &mut self.keyed {
            keyed.add_body(received.bytes());
        }
        Ok(received)
    }

    /// Receives the body as JSON of at most `max` bytes, piece by piece: for bodies that are too long to be held or
    /// decoded as a whole. The memory for what `consume` makes of the pieces is reserved by their length. After an
    /// error of `consume` the rest of the body is discarded.
    ///
    /// # Errors
    /// Those of [`Request::receive`], and the first one of `consume`.
    pub async fn receive_pieces(
        &mut self,
        max: usize,
        mut consume: impl FnMut(&[u8]) -> Result<(), Problem> + Send,
    ) -> Result<RequestPermits, Problem> {
        self.admission.permit = None;
        let media_types = self.media_types();
        let (body, memory) = (std::mem::take(&mut self.body), Reservation::new(&self.admission.holder));
        let keyed = &mut self.keyed;
        let consume = |piece: &[u8]| {
            if let Some(keyed) = keyed {
                keyed.add_body(piece);
            }
            consume(piece)
        };
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

    /// How the request's write runs, for [`Database::write`](crate::database::Database::write): within
    /// `REQUEST_TIMEOUT` from now, and under the request's idempotency key. Called once the body has been received: it
    /// is part of what the key stands for.
    #[must_use]
    pub fn write(&self) -> Write {
        Write::new(self.deadline(), self.keyed.as_ref().map(KeyedRequest::key))
    }

    /// The moment by which the work at the database must be done: `REQUEST_TIMEOUT` from now.
    #[must_use]
    pub fn deadline(&self) -> Deadline {
        Deadline::after(self.app.limits.request_timeout)
    }
}
