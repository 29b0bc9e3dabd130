//! The span of a request: <https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server>.

use hyper::{Method, StatusCode, Version};

use crate::metrics::method_name;
use crate::trace::{Attribute, CurrentRequest, SpanKind, Work};

/// Records the request's span: its response begins.
pub(super) fn record(
    request: &CurrentRequest,
    (method, path, version): (&Method, &str, Version),
    route: Option<&'static str>,
    status: StatusCode,
) {
    let method = method_name(method);
    let in_name = if method.starts_with('_') { "HTTP" } else { method };
    let name = route.map_or_else(|| in_name.to_owned(), |route| format!("{in_name} {route}"));
    let work = Work::new(name, SpanKind::Server)
        .with("http.request.method", method)
        .with_some("http.route", route)
        .with("http.response.status_code", i64::from(status.as_u16()))
        .with("url.path", path.to_owned())
        .with("url.scheme", "http")
        .with("network.protocol.version", if version == Version::HTTP_10 { "1.0" } else { "1.1" })
        .with("http.response.header.x-request-id", Attribute::List(request.id.clone()));
    let work = if status.is_server_error() { work.failed(status.as_u16().to_string()) } else { work };
    request.record_request(work);
}
