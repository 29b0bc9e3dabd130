//! Answers written by hand, where there is no request that hyper could answer: a connection too many, a head that is none.

use crate::error::Error;
use crate::platform;

/// An error as a whole answer, after which the connection is closed.
pub(super) fn answer(error: &Error) -> Vec<u8> {
    let (problem, id) = (error.problem(), new_request_id());
    let body = problem.to_json(&id);
    let retry_after = problem.retry_after.map(|seconds| format!("retry-after: {seconds}\r\n")).unwrap_or_default();
    let head = format!(
        "HTTP/1.1 {}\r\ncontent-type: application/problem+json\r\nx-request-id: {id}\r\n{retry_after}\
         connection: close\r\ncontent-length: {}\r\n\r\n",
        problem.status,
        body.len(),
    );
    tracing::info!(request_id = id, status = u64::from(problem.status.as_u16()), "refused");
    [head.into_bytes(), body].concat()
}

/// An id that no other request has.
pub(super) fn new_request_id() -> String {
    format!("{:016x}", platform::random())
}

/// What is to be said instead, where `written` is hyper's own answer to a head that it could not read: it says only the status.
///
/// hyper offers no way to say more. Its answers of this kind have no body; ours all have one.
pub(super) fn instead_of(written: &[u8], most_header_bytes: usize) -> Option<Vec<u8>> {
    let status = written.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    let error = match status {
        b"400" => Error::Malformed,
        b"414" | b"431" => Error::HeadersTooLarge(most_header_bytes),
        _ => return None,
    };
    let is_empty = written.windows(EMPTY.len()).any(|window| window == EMPTY);
    is_empty.then(|| answer(&error))
}

const EMPTY: &[u8] = b"\r\ncontent-length: 0\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hyper_s_own_refusals_are_replaced() {
        let bare = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\ndate: x\r\n\r\n";
        let ours = instead_of(bare, 1024).unwrap_or_default();
        let ours = String::from_utf8_lossy(&ours);
        assert!(ours.starts_with("HTTP/1.1 431 ") && ours.contains("headers-too-large"), "{ours}");
        for other in [
            &b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"[..],
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 5\r\n\r\n",
            b"HTTP",
        ] {
            assert_eq!(instead_of(other, 1024), None);
        }
    }
}
