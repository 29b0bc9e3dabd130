//! What a request shows of its sender: the host it calls, marks of browsers, addresses that proxies report, tokens.

use microservice::fuzzing;
use microservice::hyper::HeaderMap;
use microservice::hyper::header::HeaderValue;

pub(crate) const DICTIONARY: &[&str] = &[
    "localhost",
    "127.0.0.1",
    "[::1]:80",
    "cross-site",
    "same-origin",
    "https://",
    "null",
    "10.0.0.1, ",
    "prefetch",
    "\n",
];

/// The headers that the input may set, by the first byte of a line.
const HEADERS: [&str; 5] = ["host", "origin", "sec-fetch-site", "sec-purpose", "x-forwarded-for"];

/// The input has one header per line.
pub(crate) fn head(input: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in input.split(|byte| *byte == b'\n').take(16) {
        let Some((which, value)) = line.split_first() else { continue };
        let Some(name) = HEADERS.get(usize::from(*which) % HEADERS.len()) else { continue };
        let Ok(value) = HeaderValue::from_bytes(value) else { continue };
        headers.append(*name, value);
    }
    fuzzing::head(&headers);
}

/// The input is a token.
pub(crate) fn jwt(input: &[u8]) {
    fuzzing::token(&String::from_utf8_lossy(input));
}
