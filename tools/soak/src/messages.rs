//! Requests to send, and the responses that they must get.

use testkit::http::RawResponse;

mod expected;

pub(crate) use expected::Expected;

/// A request with its own id, which the response must repeat.
pub(crate) fn request(method: &str, path: &str, request_id: &str, headers: &str, body: Option<&str>) -> String {
    let head = format!("{method} {path} HTTP/1.1\r\nhost: soak\r\nx-request-id: {request_id}\r\n{headers}");
    match body {
        Some(body) => format!("{head}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len()),
        None => format!("{head}\r\n"),
    }
}

/// The entity tag of a response, if it has the service's form: 32 hexadecimal digits in quotes.
pub(crate) fn entity_tag(response: &RawResponse) -> Option<String> {
    let tag = response.header("etag")?;
    let digits = tag.strip_prefix('"')?.strip_suffix('"')?;
    (digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| tag.to_owned())
}

#[cfg(test)]
mod tests {
    use testkit::http::RawHead;

    use super::*;

    fn response(status: u16, fields: &str, body: &str) -> RawResponse {
        let head = RawHead { status, text: format!("HTTP/1.1 {status} x\r\n{fields}\r\n") };
        RawResponse { head, body: body.into() }
    }

    #[test]
    fn an_entity_tag_has_32_hexadecimal_digits() {
        let tag = format!("\"{}\"", "0a".repeat(16));
        assert_eq!(entity_tag(&response(200, &format!("ETag: {tag}\r\n"), "")), Some(tag));
        assert_eq!(entity_tag(&response(200, "etag: \"a\"\r\n", "")), None);
        assert_eq!(entity_tag(&response(200, "", "etag: x")), None);
    }
}
