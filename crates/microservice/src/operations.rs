//! The routes that every service has: the index, liveness, readiness, the tables, the API's description; and the
//! operator's: metrics, the log's level, shutdown.

mod description;
mod log_level;
#[cfg(feature = "pages")]
mod pages;

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::ACCEPT;

use crate::access::Scope;
use crate::api::parameter::BOOLEAN;
use crate::api::{Content, Example, JsonType, Operation, Parameter, RequestBody, ResponseType, Tag};
use crate::handler;
use crate::http::response;
use crate::http::stream;
use crate::metrics;
use crate::problem::{Problem, types};
use crate::request::Request;
use crate::routes::{HandlerResult, Route};

#[cfg(feature = "pages")]
pub use pages::{docs, ui, ui_file, ui_redirect};

/// The bound on a readiness check. Probes ask every few seconds.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

/// The operations that every service has.
pub const SERVICE: Tag = Tag { name: "Service", meaning: "The service itself: its routes, its state, its tables." };

/// The operations of the operator's listener.
const OPERATOR: Tag = Tag { name: "Operator", meaning: "For the operator: figures, the log's level, the shutdown." };

/// The body of the response to a write without other content.
pub const DONE: &str = r#"{"status":true}"#;

const DONE_TYPE: JsonType = JsonType::new("Done", || {
    r#"{"type":"object","required":["status"],"properties":{"status":{"const":true}}}"#.into()
});

const DONE_EXAMPLES: &[Example] = &[Example::new("done", DONE)];

/// The description of a response with [`DONE`].
#[must_use]
pub const fn done_response(meaning: &'static str) -> ResponseType {
    ResponseType::new(StatusCode::OK, meaning, Content::json(&DONE_TYPE, DONE_EXAMPLES))
}

/// A state, as a word.
const STATE: JsonType = JsonType::new("State", || {
    r#"{"type":"object","required":["status"],"properties":{"status":{"type":"string"}}}"#.into()
});

/// The description of a response with a state.
const fn state_response(meaning: &'static str, examples: &'static [Example]) -> ResponseType {
    ResponseType::new(StatusCode::OK, meaning, Content::json(&STATE, examples))
}

/// The routes of the operator's listener.
pub static ADMIN_ROUTES: &[Route<()>] = &[
    health(),
    ready(),
    Route::get("/metrics", handler!(serve_metrics), "figures for Prometheus")
        .operation(&METRICS)
        .always_admitted()
        .needs(Scope::Operator),
    Route::get("/log_level", handler!(log_level::show), "the log's level")
        .operation(&log_level::SHOW)
        .always_admitted()
        .needs(Scope::Operator),
    Route::put(
        "/log_level",
        handler!(log_level::change),
        "change the log's level, for a while or until the process ends",
    )
    .operation(&log_level::CHANGE)
    .always_admitted()
    .needs(Scope::Operator),
    Route::post("/drain", handler!(serve_drain), "shut down gracefully")
        .operation(&DRAIN)
        .always_admitted()
        .needs(Scope::Operator),
    // Kubernetes' `preStop.httpGet` can only GET.
    Route::get("/drain", handler!(serve_drain), "shut down gracefully")
        .operation(&DRAIN_BY_GET)
        .always_admitted()
        .writes()
        .needs(Scope::Operator),
    #[cfg(feature = "pages")]
    ui_redirect(),
    #[cfg(feature = "pages")]
    pages::operators_ui(),
    #[cfg(feature = "pages")]
    ui_file(),
    #[cfg(feature = "pages")]
    docs(),
    Route::get("/openapi.json", handler!(description::serve_operators), "the routes for programs (OpenAPI 3.1)")
        .operation(&description::DESCRIBE)
        .always_admitted()
        .public(),
];

const LIST_ROUTES: Operation =
    Operation::new("listRoutes", &SERVICE).responses(&[ResponseType::text("A line of text for each route.")]);

/// `GET /`: the table of routes as text.
#[must_use]
pub const fn root<S: Send + Sync>() -> Route<S> {
    Route::get("/", handler!(serve_root), "list the routes").operation(&LIST_ROUTES).public()
}

async fn serve_root<S>(_service: Arc<S>, request: Request) -> HandlerResult {
    Ok(response::text(request.app.descriptions.index.clone()))
}

const HEALTH: Operation = Operation::new("getHealth", &SERVICE)
    .details("It does not use the database, because a restart would not repair that. `MAX_IN_FLIGHT` does not apply.")
    .responses(&[state_response("The process is alive.", &[Example::new("alive", ALIVE)])]);

const ALIVE: &str = r#"{"status":"alive"}"#;

/// `GET /health`: the process is alive. This does not use the database, because a restart would not repair it.
#[must_use]
pub const fn health<S: Send + Sync>() -> Route<S> {
    Route::get("/health", handler!(serve_health), "the process is alive").operation(&HEALTH).probe()
}

async fn serve_health<S>(_service: Arc<S>, _request: Request) -> HandlerResult {
    Ok(response::json(StatusCode::OK, ALIVE))
}

const READY: Operation = Operation::new("getReadiness", &SERVICE)
    .details("It reads the tables, within two seconds. `MAX_IN_FLIGHT` does not apply.")
    .responses(&[state_response("Requests can be served.", &[Example::new("ready", READY_JSON)])])
    .problems(&[&types::DRAINING])
    .reads_database();

const READY_JSON: &str = r#"{"status":"ready"}"#;

/// `GET /ready`: requests can be served, because the tables can be read.
#[must_use]
pub const fn ready<S: Send + Sync>() -> Route<S> {
    Route::get("/ready", handler!(serve_ready), "requests can be served").operation(&READY).probe()
}

async fn serve_ready<S>(_service: Arc<S>, request: Request) -> HandlerResult {
    if request.app.shutdown.is_requested() {
        return Err(Problem::shutting_down());
    }
    if let Some(database) = &request.app.database {
        let max_wait = READY_TIMEOUT.min(request.limits().request_timeout);
        request.app.readiness.check(database, max_wait).await?;
    }
    Ok(response::json(StatusCode::OK, READY_JSON))
}

const RESET: Parameter<bool> = Parameter::optional(
    "reset",
    BOOLEAN,
    "false",
    "Drop all data first. The service must run with `ALLOW_RESET=true`; a token needs the scope `admin` too.",
);

const INITIALISE: Operation = Operation::new("initialise", &SERVICE)
    .details("It creates missing tables and never drops data without `reset=true`. It may be repeated.")
    .query(&[&RESET])
    .responses(&[done_response("The tables exist.")])
    .problems(&[&types::RESET_FORBIDDEN, &types::INSUFFICIENT_SCOPE])
    .writes_database();

/// `GET /init`: creates missing tables. With `?reset=true`, where `ALLOW_RESET` allows it, drops all data first; a
/// token needs the scope `admin` for that.
#[must_use]
pub const fn init<S: Send + Sync>() -> Route<S> {
    Route::get("/init", handler!(serve_init), "create missing tables; drop all data first, where ALLOW_RESET allows it")
        .operation(&INITIALISE)
        .writes()
}

async fn serve_init<S>(_service: Arc<S>, request: Request) -> HandlerResult {
    let reset = request.query().optional(&RESET)? == Some(true);
    if reset {
        request.require(Scope::Admin)?;
    }
    if reset && !request.app.allow_reset {
        return Err(Problem::reset_forbidden());
    }
    if let (Some(database), false) = (&request.app.database, request.is_head()) {
        match reset {
            true => database.reset(request.deadline()).await?,
            false => database.migrate(request.deadline()).await?,
        }
        request.app.readiness.migrated();
    }
    Ok(response::json(StatusCode::OK, DONE))
}

/// `GET /openapi.json`: the API's description.
#[must_use]
pub const fn openapi<S: Send + Sync>() -> Route<S> {
    Route::get("/openapi.json", handler!(description::serve), "the routes for programs (OpenAPI 3.1)")
        .operation(&description::DESCRIBE)
        .public()
}

const ECHO: Operation = Operation::new("echo", &SERVICE)
    .details(
        "The body comes back while it is sent: a client with a large body must read while it writes. At most \
         `MAX_BODY_BYTES`.",
    )
    .body(RequestBody::any(&[Example::new("text", "Hello")]))
    .responses(&[ResponseType::new(
        StatusCode::OK,
        "The body, with its `Content-Type`.",
        Content::other("*/*", &[Example::new("text", "Hello")]),
    )])
    .problems(&[&types::BODY_TOO_LARGE]);

/// `POST /echo`: sends the body back chunk by chunk. A body that announces more than `MAX_BODY_BYTES` gets 413; a
/// longer one is cut off.
#[must_use]
pub const fn echo<S: Send + Sync>() -> Route<S> {
    Route::post("/echo", handler!(stream::echo), "send the body back").operation(&ECHO).needs(Scope::Read)
}

const METRICS: Operation = Operation::new("getMetrics", &OPERATOR)
    .details("`Accept` decides the format: OpenMetrics, or else Prometheus' text.")
    .responses(&[ResponseType::new(StatusCode::OK, "All metrics.", Content::other(metrics::PROMETHEUS_TEXT, &[]))
        .or(Content::other(metrics::OPENMETRICS_TEXT, &[]))])
    .problems(&[&types::INTERNAL]);

/// `GET /metrics`: what the process does, for Prometheus.
async fn serve_metrics(_service: Arc<()>, request: Request) -> HandlerResult {
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (text, media_type) = metrics::encode(&request.app, accept).map_err(|error| Problem::internal(&error))?;
    Ok(response::with_type(StatusCode::OK, media_type, text))
}

const DRAINING: ResponseType = state_response("The shutdown has begun.", &[Example::new("draining", DRAINING_JSON)]);
const DRAIN: Operation = Operation::new("drain", &OPERATOR)
    .details("The response comes at once. Requests in flight end within `DRAIN_TIMEOUT`; then the process ends.")
    .responses(&[DRAINING]);
const DRAIN_BY_GET: Operation = Operation::new("drainByGet", &OPERATOR).responses(&[DRAINING]);

const DRAINING_JSON: &str = r#"{"status":"draining"}"#;

/// `/drain`: requests the shutdown and returns at once.
async fn serve_drain(_service: Arc<()>, request: Request) -> HandlerResult {
    let is_first = request.is_head() || request.app.shutdown.request();
    let status = if is_first { DRAINING_JSON } else { r#"{"status":"draining already"}"# };
    Ok(response::json(StatusCode::OK, status))
}
