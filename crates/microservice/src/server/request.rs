//! One request: its id, its permit, its handler, its response, its log line.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use hyper::body::HttpBody as _;
use hyper::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderValue, ORIGIN, TRANSFER_ENCODING};
use hyper::{Body, HeaderMap, Method, Request, Response, Version};

use super::Server;
use super::activity::{Activity, RequestGuard, TrackedBody};
use super::raw_response::new_request_id;
use super::request_span;
use crate::access::{ClientConnection, Findings};
use crate::http::cors;
use crate::http::response::{self, REQUEST_ID};
use crate::memory::{Holder, Reservation};
use crate::problem::Problem;
use crate::request::Admission;
use crate::router::{self, RouteMatch};
use crate::routes::HandlerResult;
use crate::trace::{self, CurrentRequest};

/// The longest request id that is accepted from a client.
const MAX_REQUEST_ID_CHARS: usize = 64;

/// A response up to this length needs no reservation of its own: it fits into what each connection has.
const MAX_FREE_RESPONSE_BYTES: usize = 4 * 1024;

/// Serves the request. Every request gets a response.
pub(super) async fn serve(
    server: &Server,
    connection: &ClientConnection,
    request: Request<Body>,
    guard: RequestGuard,
) -> Response<TrackedBody> {
    let current = server.app.tracer.begin(request.headers(), request_id(request.headers()), !server.is_public);
    let served = pin!(serve_traced(server, connection, request, guard, &current));
    trace::scope(&current, served).await
}

async fn serve_traced(
    server: &Server,
    connection: &ClientConnection,
    request: Request<Body>,
    guard: RequestGuard,
    current: &CurrentRequest,
) -> Response<TrackedBody> {
    let (app, started) = (&server.app, Instant::now());
    let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let version = request.version();
    let holder = Arc::clone(guard.activity().holder());
    let origin = request.headers().get(ORIGIN).cloned();

    let (mut findings, mut route) = (Findings::default(), FoundRoute::default());
    let mut result = handle(server, connection, request, holder, (&mut findings, &mut route)).await;
    let FoundRoute { index: route, is_probe } = route;
    if let Some(problem) = result.as_ref().ok().and_then(|response| hold(response, &method, guard.activity()).err()) {
        result = Err(problem);
    }
    let mut response = result.unwrap_or_else(|problem| reject(&problem, server, &current.id));
    // A process that shuts down closes its connections, so that clients connect to another replica. A connection is
    // also closed after a chunked body: hyper_wasi takes a chunk-size line without digits for the end of the body. A
    // proxy may not, and would then see other request boundaries.
    if app.shutdown.is_requested() || is_chunked {
        close_after(&mut response);
    }
    response::set_header(&mut response, REQUEST_ID, &current.id);
    response::set_defaults(&mut response);
    findings.set_fields(&mut response);
    cors::allow_origin(app, origin.as_ref(), &mut response);

    let duration = started.elapsed();
    if server.is_public {
        app.metrics.requests.observe(route, &method, response.status(), duration);
    }
    if current.is_recorded() && !is_probe {
        let route = route.and_then(|index| app.metrics.requests.route(index));
        request_span::record(current, (&method, &path, version), route, response.status());
    }
    let (status, micros) =
        (u64::from(response.status().as_u16()), u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    let (caller, client) = (findings.caller(), findings.rejected_client.map(tracing::field::display));
    // Probes and scrapes come every few seconds, from each that watches the service.
    let is_read_by_operator = !server.is_public && matches!(method, Method::GET | Method::HEAD);
    if (is_probe || is_read_by_operator) && response.status().is_success() {
        tracing::debug!(method = %method, path, status, micros, caller, client, "request");
    } else {
        tracing::info!(method = %method, path, status, micros, caller, client, "request");
    }
    response.map(|body| TrackedBody::new(body, guard))
}

/// Reserves the memory of a response until the socket has taken it. The response to a write is sent in any case: the
/// client must know of the write.
fn hold(response: &Response<Body>, method: &Method, activity: &Activity) -> Result<(), Problem> {
    let length = response.body().size_hint().exact().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    if length > MAX_FREE_RESPONSE_BYTES {
        let mut memory = Reservation::new(activity.holder());
        if !memory.try_grow_to(length) && matches!(*method, Method::GET | Method::HEAD) {
            return Err(Problem::out_of_memory());
        }
        activity.hold_response(memory);
    }
    Ok(())
}

/// What is known of a request's route once it was looked up.
#[derive(Default)]
struct FoundRoute {
    /// The route's place in the table.
    index: Option<usize>,
    /// The route is for health checks.
    is_probe: bool,
}

async fn handle(
    server: &Server,
    connection: &ClientConnection,
    mut request: Request<Body>,
    holder: Arc<Holder>,
    (findings, route): (&mut Findings, &mut FoundRoute),
) -> HandlerResult {
    let app = &server.app;
    check_head(&request, app.limits.max_header_bytes)?;
    let found = server.router.find(request.method(), request.uri().path());
    let requirements = found.as_ref().ok().and_then(RouteMatch::requirements);
    route.index = found.as_ref().ok().and_then(RouteMatch::index);
    route.is_probe = requirements.is_some_and(|requirements| requirements.is_probe);
    server.access.check(&mut request, requirements, connection, findings)?;
    match found? {
        RouteMatch::Options(allow) => Ok(router::options(app, &request, &allow)),
        RouteMatch::Handler { handler, is_always_admitted, .. } => {
            let permit = if is_always_admitted { None } else { Some(app.admit()?) };
            handler(request, Arc::clone(app), Admission { permit, holder }).await
        }
    }
}

/// The error response. Its cause goes to the log only.
fn reject(problem: &Problem, server: &Server, id: &str) -> Response<Body> {
    if let Some(reason) = problem.shed_reason() {
        server.count_shed(reason);
    }
    if let Some(cause) = problem.cause() {
        tracing::error!(cause, "a request failed");
    }
    let mut response = response::problem(problem, server.app.name, id);
    if problem.closes_connection() {
        close_after(&mut response);
    }
    response
}

fn close_after(response: &mut Response<Body>) {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
}

/// Rejects heads that the parser accepts but a handler should not see.
fn check_head(request: &Request<Body>, max: usize) -> Result<(), Problem> {
    let headers = request.headers();
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let size = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>() + target;
    if size > max {
        return Err(Problem::headers_too_large(max));
    }
    let hosts = headers.get_all(HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
        // RFC 9112 §3.2
        return Err(Problem::invalid_header("A request must have exactly one Host header."));
    }
    if headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH) {
        // RFC 9112 §6.3: the mark of an attempt to smuggle a request past a proxy.
        return Err(Problem::invalid_header("A request must not have both Transfer-Encoding and Content-Length."));
    }
    Ok(())
}

/// The client's request id if it is valid, otherwise a new one.
fn request_id(headers: &HeaderMap) -> String {
    let is_valid = |id: &&str| {
        (1..=MAX_REQUEST_ID_CHARS).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    match headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(is_valid) {
        Some(id) => id.to_owned(),
        None => new_request_id(),
    }
}
