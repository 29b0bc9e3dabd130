//! Entity tags and conditional requests (RFC 9110 §8.8.3 and §13.1).

use std::fmt::Write as _;

use hyper::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};
use hyper::{Body, HeaderMap, Response, StatusCode};
use sha2::{Digest as _, Sha256};

use super::response;
use crate::problem::Problem;

/// The strong entity tag of a representation: a hash of its bytes. Every replica computes the same one, and a resource
/// that was deleted and created again with other contents never has the old one.
#[must_use]
pub fn entity_tag(representation: &[u8]) -> String {
    let mut tag = String::with_capacity(34);
    tag.push('"');
    for byte in Sha256::digest(representation).iter().take(16) {
        // Writing to a String cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

/// The preconditions of a request: `If-Match` and `If-None-Match`.
///
/// `If-Match` compares strongly: a weak tag never matches ours. `If-None-Match` compares weakly.
#[derive(Debug, Default)]
pub struct Preconditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

/// The response to a conditional read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadResponse {
    /// 200 with the representation.
    Full,
    /// 304: the client has this representation.
    NotModified,
    /// 412: `If-Match` names other representations.
    PreconditionFailed,
}

impl Preconditions {
    /// Reads the headers.
    ///
    /// # Errors
    /// 400 for a value that is no list of entity tags.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, Problem> {
        let if_match = read(headers, IF_MATCH, "If-Match must be * or a list of entity tags.")?;
        let if_none_match = read(headers, IF_NONE_MATCH, "If-None-Match must be * or a list of entity tags.")?;
        Ok(Self { if_match, if_none_match })
    }

    /// True without preconditions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.if_match.is_none() && self.if_none_match.is_none()
    }

    /// Whether a representation with this tag may be changed.
    #[must_use]
    pub fn allow_write(&self, tag: &str) -> bool {
        self.read_response(tag) == ReadResponse::Full
    }

    /// The response to reading JSON with this tag: 200, or 304 where the client has it. None where `If-Match` names
    /// other representations: 412.
    pub fn read_json(&self, json: impl Into<Body>, tag: &str) -> Option<Response<Body>> {
        let response = match self.read_response(tag) {
            ReadResponse::Full => response::json(StatusCode::OK, json),
            ReadResponse::NotModified => response::empty(StatusCode::NOT_MODIFIED),
            ReadResponse::PreconditionFailed => return None,
        };
        Some(response::with_entity_tag(response, tag))
    }

    /// The response to reading a representation with this tag.
    #[must_use]
    pub fn read_response(&self, tag: &str) -> ReadResponse {
        if self.if_match.as_ref().is_some_and(|tags| !tags.match_strongly(tag)) {
            ReadResponse::PreconditionFailed
        } else if self.if_none_match.as_ref().is_some_and(|tags| tags.match_weakly(tag)) {
            ReadResponse::NotModified
        } else {
            ReadResponse::Full
        }
    }
}

/// The entity tags that a client names.
#[derive(Debug, PartialEq, Eq)]
enum Tags {
    /// `*`: any.
    Any,
    /// These. A weak one keeps its `W/`.
    List(Vec<String>),
}

impl Tags {
    fn match_strongly(&self, tag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::List(list) => list.iter().any(|known| known == tag),
        }
    }

    fn match_weakly(&self, tag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::List(list) => list.iter().any(|known| known.trim_start_matches("W/") == tag),
        }
    }
}

fn read(headers: &HeaderMap, name: HeaderName, detail: &'static str) -> Result<Option<Tags>, Problem> {
    let mut texts = Vec::new();
    for value in headers.get_all(name) {
        texts.push(value.to_str().map_err(|_| Problem::invalid_header(detail))?);
    }
    if texts.is_empty() {
        return Ok(None);
    }
    parse(&texts.join(",")).map(Some).ok_or_else(|| Problem::invalid_header(detail))
}

/// Parses `*` or a comma-separated list. A tag may contain commas.
fn parse(text: &str) -> Option<Tags> {
    // Empty list elements are ignored (RFC 9110 §5.6.1).
    let mut rest = text.trim_matches([' ', '\t', ',']);
    if text.trim() == "*" {
        return Some(Tags::Any);
    }
    let mut list = Vec::new();
    while !rest.is_empty() {
        let (weak, quoted) = rest.strip_prefix("W/").map_or(("", rest), |quoted| ("W/", quoted));
        let (tag, behind) = quoted.strip_prefix('"')?.split_once('"')?;
        if !tag.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        list.push(format!("{weak}\"{tag}\""));
        let behind = behind.trim_start();
        rest = match behind.strip_prefix(',') {
            Some(next) => next.trim_start_matches([' ', '\t', ',']),
            None if behind.is_empty() => "",
            None => return None,
        };
    }
    (!list.is_empty()).then_some(Tags::List(list))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_tags_are_parsed_and_anything_else_is_rejected() {
        let list = |tags: &[&str]| Some(Tags::List(tags.iter().map(|tag| (*tag).to_owned()).collect()));
        assert_eq!(parse(" * "), Some(Tags::Any));
        assert_eq!(parse("\"a\""), list(&["\"a\""]));
        assert_eq!(parse(" , \"a\",,"), list(&["\"a\""]));
        assert_eq!(parse("\"a,b\" , W/\"c\",\"\""), list(&["\"a,b\"", "W/\"c\"", "\"\""]));
        for text in ["", ",", "a", "\"a", "\"a\" \"b\"", "\"a b\"", "w/\"a\"", "\"a\"x", "*,\"a\""] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn preconditions_decide_reads_and_writes() {
        let with = |name: &str, value: &str| {
            let value = value.parse().ok();
            let name = name.parse::<HeaderName>().ok();
            let headers: HeaderMap = name.zip(value).into_iter().collect();
            Preconditions::from_headers(&headers).unwrap_or_default()
        };
        let tag = entity_tag(b"x");
        for (name, value, response) in [
            ("if-match", tag.as_str(), ReadResponse::Full),
            ("if-match", "*", ReadResponse::Full),
            ("if-match", "\"other\"", ReadResponse::PreconditionFailed),
            ("if-match", &format!("W/{tag}"), ReadResponse::PreconditionFailed),
            ("if-none-match", &format!("W/{tag}"), ReadResponse::NotModified),
            ("if-none-match", "*", ReadResponse::NotModified),
            ("if-none-match", "\"other\"", ReadResponse::Full),
        ] {
            assert_eq!(with(name, value).read_response(&tag), response, "{name}: {value}");
            assert_eq!(with(name, value).allow_write(&tag), response == ReadResponse::Full, "{name}: {value}");
        }
    }
}
