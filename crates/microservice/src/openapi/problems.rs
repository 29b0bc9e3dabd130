//! Problems as JSON, and which of them an operation can have.

use super::Security;
use crate::access::Requirements;
use crate::api::{JsonType, Operation};
use crate::problem::{MAX_DETAIL_CHARS, ProblemType, types};
use crate::routes::Route;

/// A problem as JSON.
pub(super) const PROBLEM: JsonType = JsonType::new("Problem", || {
    let errors = format!(
        r#"{{"type":"array","items":{},"description":"The fields or parameters at fault."}}"#,
        FIELD_PROBLEM.reference()
    );
    format!(
        r#"{{
            "type": "object",
            "description": "An error (RFC 9457).",
            "required": ["type", "title", "status", "detail", "request_id"],
            "properties": {{
                "type": {{"type": "string", "format": "uri", "description": "The type: stable, for programs."}},
                "title": {{"type": "string", "description": "The type in a few words."}},
                "status": {{"type": "integer", "minimum": 400, "maximum": 599, "description": "The status."}},
                "detail": {{
                    "type": "string", "maxLength": {MAX_DETAIL_CHARS}, "description": "What is wrong, for people."
                }},
                "request_id": {{"type": "string", "description": "The request's id. The log has it too."}},
                "errors": {errors}
            }}
        }}"#
    )
    .into()
})
.with_parts(&[&FIELD_PROBLEM]);

/// A field's problem as JSON.
const FIELD_PROBLEM: JsonType = JsonType::new("FieldProblem", || {
    r#"{
        "type": "object",
        "description": "A field or parameter that is wrong.",
        "required": ["field", "detail"],
        "properties": {
            "field": {"type": "string", "description": "The field, as in `quantity`, or `[3].quantity` in a batch."},
            "detail": {"type": "string", "description": "What is wrong with it."}
        }
    }"#
    .into()
});

/// All problem types of an operation, by status and slug.
pub(super) fn of(operation: &Operation, requirements: Requirements, security: Security) -> Vec<&'static ProblemType> {
    let Requirements { scope, is_write, is_probe } = requirements;
    let groups: [(bool, &[&'static ProblemType]); 9] = [
        // Some are sent before a route is known: no connection or no memory is left for any.
        (true, &[&types::INVALID_REQUEST, &types::INVALID_HEADER, &types::HEADERS_TOO_LARGE, &types::OVERLOADED]),
        (!is_probe, &[&types::INVALID_QUERY]),
        (!operation.path_parameters.is_empty(), &[&types::NOT_FOUND]),
        (scope.is_some() || is_write, &[&types::UNKNOWN_HOST]),
        (operation.takes_idempotency_key, &[&types::REQUEST_IN_PROGRESS, &types::IDEMPOTENCY_KEY_REUSED]),
        (is_write, &[&types::CROSS_SITE_REQUEST]),
        (
            scope.is_some() && security.needs_tokens,
            &[&types::TOKEN_REQUIRED, &types::INVALID_TOKEN, &types::INSUFFICIENT_SCOPE],
        ),
        (!is_probe && security.has_rate_limits, &[&types::RATE_LIMITED]),
        (
            operation.body.as_ref().is_some_and(|body| body.content.r#type.is_some()),
            &[
                &types::INVALID_BODY,
                &types::INVALID_JSON,
                &types::REQUEST_TIMEOUT,
                &types::BODY_TOO_LARGE,
                &types::UNSUPPORTED_MEDIA_TYPE,
            ],
        ),
    ];
    let of_kit = groups.iter().filter(|(applies, _)| *applies).flat_map(|(_, group)| group.iter());
    let of_database = operation.database_problems.iter().flat_map(|group| group.iter());
    let all = of_kit.chain(operation.problems).chain(of_database);
    sorted(all.copied().collect())
}

/// All problem types of a service with these tables of routes, by status and slug.
pub(crate) fn of_tables<S>(public: &[Route<S>], operators: &[Route<()>]) -> Vec<&'static ProblemType> {
    let security = Security { needs_tokens: true, has_rate_limits: true };
    let mut all = vec![&types::NOT_FOUND, &types::METHOD_NOT_ALLOWED];
    all.extend(public.iter().flat_map(|route| of_route(route, security)));
    all.extend(operators.iter().flat_map(|route| of_route(route, security)));
    sorted(all)
}

fn of_route<S>(route: &Route<S>, security: Security) -> Vec<&'static ProblemType> {
    let operation = route.operation.into_iter();
    operation.flat_map(|operation| of(operation, route.requirements, security)).collect()
}

fn sorted(mut types: Vec<&'static ProblemType>) -> Vec<&'static ProblemType> {
    types.sort_by_key(|problem| (problem.status.as_u16(), problem.slug));
    types.dedup();
    types
}
