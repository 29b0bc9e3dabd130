//! The handlers that every service has: liveness, readiness, the tables, shutdown.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::ACCEPT;

use crate::access::Scope;
use crate::handler;
use crate::http::response;
use crate::metrics;
use crate::problem::Problem;
use crate::request::Request;
use crate::routes::{HandlerResult, Route};

/// The bound on a readiness check. Probes ask every few seconds.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

/// The routes of the operator's listener.
pub static ADMIN_ROUTES: &[Route<()>] = &[
    Route::get("/health", handler!(health), "the process is alive").probe(),
    Route::get("/ready", handler!(ready), "requests can be served").probe(),
    Route::get("/metrics", handler!(metrics), "figures for Prometheus").always_admitted().needs(Scope::Operator),
    Route::post("/drain", handler!(drain), "shut down gracefully").always_admitted().needs(Scope::Operator),
    // Kubernetes' `preStop.httpGet` can only GET.
    Route::get("/drain", handler!(drain), "the same").always_admitted().writes().needs(Scope::Operator),
];

/// `GET /`: the table of routes as text.
///
/// # Errors
/// 400 for a query string.
pub async fn root<S>(_service: Arc<S>, request: Request) -> HandlerResult {
    request.query(&[])?;
    Ok(response::text(request.app.index.clone()))
}

/// `GET /health`: the process is alive. This does not use the database, because a restart would not repair it.
///
/// # Errors
/// None.
pub async fn health<S>(_service: Arc<S>, _request: Request) -> HandlerResult {
    Ok(response::json(StatusCode::OK, r#"{"status":"alive"}"#))
}

/// `GET /ready`: requests can be served, because the tables can be read.
///
/// # Errors
/// 503 while the process shuts down, and if the database is not available.
pub async fn ready<S>(_service: Arc<S>, request: Request) -> HandlerResult {
    if request.app.shutdown.is_requested() {
        return Err(Problem::shutting_down());
    }
    if let Some(database) = &request.app.database {
        let max_wait = READY_TIMEOUT.min(request.limits().request_timeout);
        request.app.readiness.check(database, max_wait).await?;
    }
    Ok(response::json(StatusCode::OK, r#"{"status":"ready"}"#))
}

/// `GET /init`: creates missing tables. With `?reset=true`, where `ALLOW_RESET` allows it, drops all data first; a
/// token needs the scope `admin` for that.
///
/// # Errors
/// 403 for a reset that is not allowed, and the database's errors.
pub async fn init<S>(_service: Arc<S>, request: Request) -> HandlerResult {
    let query = request.query(&["reset"])?;
    let reset = query.optional("reset", |text| text.parse::<bool>().ok(), "must be true or false")? == Some(true);
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
    Ok(response::json(StatusCode::OK, r#"{"status":true}"#))
}

/// `GET /metrics`: what the process does, for Prometheus.
async fn metrics(_service: Arc<()>, request: Request) -> HandlerResult {
    request.query(&[])?;
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (text, media_type) = metrics::encode(&request.app, accept).map_err(|error| Problem::internal(&error))?;
    Ok(response::with_type(StatusCode::OK, media_type, text))
}

/// `/drain`: requests the shutdown and returns at once.
async fn drain(_service: Arc<()>, request: Request) -> HandlerResult {
    let is_first = request.is_head() || request.app.shutdown.request();
    let status = if is_first { r#"{"status":"draining"}"# } else { r#"{"status":"draining already"}"# };
    Ok(response::json(StatusCode::OK, status))
}
