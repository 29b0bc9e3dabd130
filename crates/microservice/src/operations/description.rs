//! `/openapi.json`: the description of a listener's routes.

use std::sync::Arc;

use hyper::StatusCode;

use super::SERVICE;
use crate::access::Scope;
use crate::api::{Content, JsonType, Operation, ResponseType, headers};
use crate::http::conditional::Preconditions;
use crate::openapi::Description;
use crate::problem::{Problem, types};
use crate::request::Request;
use crate::routes::HandlerResult;

const DESCRIPTION: JsonType = JsonType::new("Description", || {
    r#"{
        "type": "object",
        "required": ["openapi", "info", "paths"],
        "properties": {"openapi": {"type": "string"}, "info": {"type": "object"}, "paths": {"type": "object"}}
    }"#
    .into()
});

pub(super) const DESCRIBE: Operation = Operation::new("describe", &SERVICE)
    .conditional()
    .responses(&[
        ResponseType::new(StatusCode::OK, "The description.", Content::json(&DESCRIPTION, &[]))
            .headers(&[&headers::ETAG]),
        ResponseType::empty(StatusCode::NOT_MODIFIED, "The client has this description.").headers(&[&headers::ETAG]),
    ])
    .problems(&[&types::PRECONDITION_FAILED]);

/// The public listener's.
pub(super) async fn serve<S>(_service: Arc<S>, request: Request) -> HandlerResult {
    let app = &request.app;
    respond(&request, &app.descriptions.public, app.credentials.are_configured())
}

/// The operator's.
pub(super) async fn serve_operators(_service: Arc<()>, request: Request) -> HandlerResult {
    let app = &request.app;
    respond(&request, &app.descriptions.operators, app.credentials.protect(Scope::Operator))
}

fn respond(request: &Request, description: &Description, needs_tokens: bool) -> HandlerResult {
    let (json, tag) = description.document(needs_tokens);
    let response = Preconditions::from_headers(request.headers())?.read_json(json, &tag);
    let detail = "The description has another tag than If-Match names.";
    response.ok_or_else(|| Problem::new(&types::PRECONDITION_FAILED, detail))
}
