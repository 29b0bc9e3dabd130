//! For whoever runs the service: the schema, whether it lives, whether it can serve.

use std::time::Duration;

use hyper::{Body, Request, Response, StatusCode};

use super::App;
use super::query::Query;
use crate::error::Error;
use crate::repository::Deadline;
use crate::response;

/// A probe asks every few seconds; its answer must not take longer.
const READY_WITHIN: Duration = Duration::from_secs(2);

/// `GET /init`: creates what is missing; with `?reset=true`, where that is allowed, drops all first.
pub(crate) async fn init(app: &App, request: &Request<Body>, head: bool) -> Result<Response<Body>, Error> {
    let query = Query::of(request, &["reset"])?;
    let reset = query.optional("reset", |text| text.parse::<bool>().ok(), "must be true or false")? == Some(true);
    if reset && !app.allow_reset {
        return Err(Error::ResetForbidden);
    }
    let deadline = app.deadline();
    match (head, reset) {
        (true, _) => {}
        (false, true) => app.repository.reset(deadline).await?,
        (false, false) => app.repository.migrate(deadline).await?,
    }
    Ok(response::done())
}

/// `GET /health`: the process answers, so it is alive. Never asks the database: a restart would not mend that.
pub(crate) fn health() -> Response<Body> {
    response::json(StatusCode::OK, r#"{"status":"alive"}"#)
}

/// `GET /ready`: requests can be served, since the tables answer.
pub(crate) async fn ready(app: &App) -> Result<Response<Body>, Error> {
    if app.drain.is_announced() {
        return Err(Error::Draining);
    }
    let within = READY_WITHIN.min(app.limits.request_timeout);
    app.repository.check(Deadline::after(within)).await?;
    Ok(response::json(StatusCode::OK, r#"{"status":"ready"}"#))
}

/// `/drain`, by POST, or by GET, which is all that Kubernetes' `preStop.httpGet` can: asks the process to leave. Answers at once.
pub(crate) fn drain(app: &App, head: bool) -> Response<Body> {
    let status =
        if head || app.drain.announce() { r#"{"status":"draining"}"# } else { r#"{"status":"draining already"}"# };
    response::json(StatusCode::OK, status)
}
