//! Requests as they are sent, and answers as they must be, without their date.

/// Stands for the entity tag in an expected answer.
pub(crate) const TAG: &str = "\"TAG\"";

/// A request with an id of its own, which its answer repeats.
pub(crate) fn request(method: &str, path: &str, name: &str, more: &str, body: Option<&str>) -> String {
    let head = format!("{method} {path} HTTP/1.1\r\nhost: soak\r\nx-request-id: {name}\r\n{more}");
    match body {
        Some(body) => format!("{head}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len()),
        None => format!("{head}\r\n"),
    }
}

/// What the walkthrough's writes answer.
pub(crate) fn done(name: &str) -> String {
    json("200 OK", "", name, r#"{"status":true}"#)
}

/// An order with its entity tag.
pub(crate) fn order(status: &str, name: &str, text: &str) -> String {
    json(status, &format!("etag: {TAG}\r\n"), name, text)
}

/// JSON with a status and these headers more.
pub(crate) fn json(status: &str, more: &str, name: &str, body: &str) -> String {
    whole(status, &format!("content-type: application/json\r\n{more}"), name, body)
}

/// JSON that comes in pieces; also the head of an answer whose body is read later.
pub(crate) fn streamed(name: &str, body: &str) -> String {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    format!("{head}x-request-id: {name}\r\ntransfer-encoding: chunked\r\n\r\n{body}")
}

/// The order's tag is the one that was named.
pub(crate) fn not_modified(name: &str) -> String {
    format!("HTTP/1.1 304 Not Modified\r\netag: {TAG}\r\nx-request-id: {name}\r\n\r\n")
}

/// Deleted.
pub(crate) fn no_content(name: &str) -> String {
    format!("HTTP/1.1 204 No Content\r\nx-request-id: {name}\r\n\r\n")
}

/// `GET /health`.
pub(crate) fn alive(name: &str) -> String {
    json("200 OK", "", name, r#"{"status":"alive"}"#)
}

/// 404.
pub(crate) fn not_there(id: u32, name: &str) -> String {
    let kind = r#"{"type":"urn:order-service:problem:order-not-found","title":"No such order","status":404"#;
    problem("404 Not Found", name, &format!(r#"{kind},"detail":"there is no order {id}","request_id":"{name}"}}"#))
}

/// 409.
pub(crate) fn duplicate(id: u32, name: &str) -> String {
    let kind = r#"{"type":"urn:order-service:problem:duplicate-order","title":"Order exists already","status":409"#;
    let errors = r#""errors":[{"field":"order_id","detail":"is taken"}]"#;
    let body = format!(r#"{kind},"detail":"order_id {id} is taken","request_id":"{name}",{errors}}}"#);
    problem("409 Conflict", name, &body)
}

/// The entity tag of an answer, if it has the form of one: 32 hexadecimal digits in quotes.
pub(crate) fn tag_of(answer: &str) -> Option<String> {
    let (head, _) = answer.split_once("\r\n\r\n")?;
    let tag = head.split("\r\n").find_map(|line| line.strip_prefix("etag: "))?;
    let digits = tag.strip_prefix('"')?.strip_suffix('"')?;
    (digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| tag.to_owned())
}

fn problem(status: &str, name: &str, body: &str) -> String {
    whole(status, "content-type: application/problem+json\r\n", name, body)
}

fn whole(status: &str, headers: &str, name: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}x-request-id: {name}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_taken_from_the_head_alone() {
        let tag = format!("\"{}\"", "0a".repeat(16));
        assert_eq!(tag_of(&format!("HTTP/1.1 200 OK\r\netag: {tag}\r\n\r\n")), Some(tag.clone()));
        assert_eq!(tag_of(&format!("HTTP/1.1 200 OK\r\n\r\netag: {tag}\r\n\r\n")), None);
        assert_eq!(tag_of("HTTP/1.1 200 OK\r\netag: \"a\"\r\n\r\n"), None);
    }
}
