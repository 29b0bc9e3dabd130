//! `If-Match` and `If-None-Match`. The input has one header per line; the first byte of a line chooses which.

use microservice::http::conditional::{Preconditions, ReadResponse, entity_tag};
use microservice::hyper::HeaderMap;
use microservice::hyper::header::{HeaderValue, IF_MATCH, IF_NONE_MATCH};

/// A request with conditions that are accepted gets one of the three responses, and writes only where it reads in full.
pub(crate) fn run(input: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in input.split(|byte| *byte == b'\n').take(16) {
        let Some((which, value)) = line.split_first() else { continue };
        let name = if which % 2 == 0 { IF_MATCH } else { IF_NONE_MATCH };
        let Ok(value) = HeaderValue::from_bytes(value) else { continue };
        headers.append(name, value);
    }
    let Ok(preconditions) = Preconditions::from_headers(&headers) else { return };
    assert_eq!(preconditions.is_empty(), headers.is_empty(), "a header was ignored");
    let tag = entity_tag(input);
    let response = preconditions.read_response(&tag);
    assert_eq!(preconditions.allow_write(&tag), response == ReadResponse::Full);
    if preconditions.is_empty() {
        assert_eq!(response, ReadResponse::Full);
    }
}
