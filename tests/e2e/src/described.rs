//! Compares responses with the API's description: whatever a test sends, its response is a described one.

use std::sync::OnceLock;

use order_service::OrderService;
use serde_json::{Map, Value};
use testkit::http::Response;

/// The description that a client's responses are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listener {
    /// The order service's.
    Public,
    /// Its operator's listener's.
    Operators,
    /// That of another service, of which nothing is known here.
    Other,
}

/// Header fields that are part of HTTP, or of CORS, and not of an operation.
const GENERAL_FIELDS: [&str; 8] = [
    "connection",
    "content-length",
    "content-type",
    "date",
    "transfer-encoding",
    "vary",
    "access-control-allow-origin",
    "access-control-expose-headers",
];

/// Problems that do not depend on the route, because it is missing or is not known yet.
const GENERAL_PROBLEMS: [&str; 7] = [
    "not-found",
    "method-not-allowed",
    "invalid-header",
    "invalid-request",
    "headers-too-large",
    "rate-limited",
    "overloaded",
];

/// The public listener's description, with all that a configuration can add.
pub fn public() -> &'static Value {
    static DESCRIPTION: OnceLock<Value> = OnceLock::new();
    DESCRIPTION.get_or_init(microservice::describe::<OrderService>)
}

/// That of the operator's listener.
pub fn operators() -> &'static Value {
    static DESCRIPTION: OnceLock<Value> = OnceLock::new();
    DESCRIPTION.get_or_init(microservice::describe_operators::<OrderService>)
}

/// Follows a reference within a description.
pub fn resolve<'d>(description: &'d Value, value: &'d Value) -> &'d Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => {
            let pointer = reference.strip_prefix('#').expect("a reference within the document");
            description.pointer(pointer).unwrap_or_else(|| panic!("{reference} refers to nothing"))
        }
        None => value,
    }
}

/// Fails unless the listener's description has this response.
///
/// # Panics
/// With what the description does not have.
#[track_caller]
pub(crate) fn check(listener: Listener, method: &str, path: &str, response: &Response) {
    let description = match listener {
        Listener::Public => public(),
        Listener::Operators => operators(),
        Listener::Other => return,
    };
    if method == "OPTIONS" {
        return;
    }
    let what = format!("{method} {path}: {}", response.summary());
    let path = path.split('?').next().unwrap_or(path);
    let paths = description["paths"].as_object().expect("paths");
    let operation = find_path(paths, path).and_then(|described| {
        let method = if method == "HEAD" { "get".to_owned() } else { method.to_lowercase() };
        described.get(&method)
    });
    let urn = problem_type(response);
    let Some(operation) = operation else {
        // The response to HEAD has no body.
        let is_general = urn.as_deref().map_or(method == "HEAD", |urn| {
            GENERAL_PROBLEMS.iter().any(|slug| urn == format!("urn:order-service:problem:{slug}"))
        });
        assert!(is_general, "not described: {what}");
        return;
    };
    let status = response.status.to_string();
    let described = operation["responses"].get(&status).unwrap_or_else(|| panic!("no {status} is described: {what}"));
    let described = resolve(description, described);
    if let (Some(urn), Some(types)) = (&urn, described.get("x-problem-types").and_then(Value::as_array)) {
        assert!(types.iter().any(|known| known == urn), "no {status} with this type is described: {what}");
    }
    check_fields(description, described, response, &what);
    check_media_type(described, response, method, &what);
}

#[track_caller]
fn check_fields(description: &Value, described: &Value, response: &Response, what: &str) {
    let fields = described["headers"].as_object().expect("headers");
    for (name, field) in fields {
        let is_required = resolve(description, field)["required"] == true;
        assert!(!is_required || response.header(name).is_some(), "{name} is missing: {what}");
    }
    for name in response.headers.keys() {
        let is_described = fields.keys().any(|known| known.eq_ignore_ascii_case(name.as_str()));
        assert!(is_described || GENERAL_FIELDS.contains(&name.as_str()), "{name} is not described: {what}");
    }
}

#[track_caller]
fn check_media_type(described: &Value, response: &Response, method: &str, what: &str) {
    match (described.get("content"), response.header("content-type")) {
        (None, None) => {}
        (None, Some(_)) => panic!("no content is described: {what}"),
        (Some(_), None) => assert!(method == "HEAD", "there is no Content-Type: {what}"),
        (Some(content), Some(media_type)) => {
            let is_described = content.get(media_type).is_some() || content.get("*/*").is_some();
            assert!(is_described, "{media_type} is not described: {what}");
        }
    }
}

/// The description of a path: of the path itself, or of the template that it matches.
fn find_path<'d>(paths: &'d Map<String, Value>, path: &str) -> Option<&'d Value> {
    let matches = |template: &str| {
        let (mut parts, mut template) = (path.split('/'), template.split('/'));
        loop {
            match (parts.next(), template.next()) {
                (None, None) => return true,
                (Some(part), Some(name)) if part == name || (name.starts_with('{') && !part.is_empty()) => {}
                _ => return false,
            }
        }
    };
    paths.get(path).or_else(|| paths.iter().find(|(template, _)| matches(template)).map(|(_, described)| described))
}

/// A problem's type.
fn problem_type(response: &Response) -> Option<String> {
    if response.header("content-type") != Some("application/problem+json") {
        return None;
    }
    let problem: Value = serde_json::from_slice(&response.body).ok()?;
    Some(problem.get("type")?.as_str()?.to_owned())
}
