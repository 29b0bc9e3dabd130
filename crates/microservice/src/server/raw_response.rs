//! Responses as bytes, where hyper has no request to respond to: an excess connection, a malformed head.

use crate::problem::Problem;

/// A problem as a whole response, after which the connection is closed.
pub(super) fn problem(problem: &Problem, service: &str) -> Vec<u8> {
    let request_id = new_request_id();
    let body = problem.to_json(service, &request_id);
    let retry_after = problem.retry_after().map(|seconds| format!("retry-after: {seconds}\r\n")).unwrap_or_default();
    let head = format!(
        "HTTP/1.1 {}\r\ncontent-type: application/problem+json\r\nx-request-id: {request_id}\r\n{retry_after}\
         cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        problem.status(),
        body.len(),
    );
    tracing::info!(request_id, status = u64::from(problem.status().as_u16()), "rejected");
    [head.into_bytes(), body].concat()
}

/// A new request id.
pub(super) fn new_request_id() -> String {
    format!("{:016x}", fastrand::u64(..))
}
