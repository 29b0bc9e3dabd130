//! The trace that a request belongs to, as its headers say.

use microservice::fuzzing;
use microservice::hyper::HeaderMap;
use microservice::hyper::header::HeaderValue;

pub(crate) const DICTIONARY: &[&str] =
    &["00-", "-01", "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "a=1,", "t@v=", "\n", "\t ,"];

/// The first line of the input is a `traceparent`, the others are `tracestate`.
pub(crate) fn run(input: &[u8]) {
    let mut headers = HeaderMap::new();
    for (index, line) in input.split(|byte| *byte == b'\n').take(8).enumerate() {
        let Ok(value) = HeaderValue::from_bytes(line) else { continue };
        headers.append(if index == 0 { "traceparent" } else { "tracestate" }, value);
    }
    fuzzing::trace(&headers);
}
