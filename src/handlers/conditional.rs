//! `If-Match` and `If-None-Match` (RFC 9110 §13.1).

use hyper::HeaderMap;
use hyper::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};

use crate::domain::Order;
use crate::error::Error;
use crate::response::entity_tag;

/// The entity tags a client names.
#[derive(Debug, PartialEq, Eq)]
enum Tags {
    /// `*`: any at all.
    Any,
    /// These; a weak one keeps its `W/`.
    List(Vec<String>),
}

/// What a request's `If-Match` and `If-None-Match` ask of an order before it may be changed; None where there are neither.
///
/// `If-Match` compares strongly: a weak tag is never the same as ours. `If-None-Match` compares weakly.
pub(super) fn condition(headers: &HeaderMap) -> Result<Option<impl Fn(&Order) -> bool + Send + Sync + use<>>, Error> {
    let (wanted, unwanted) = (if_match(headers)?, if_none_match(headers)?);
    if wanted.is_none() && unwanted.is_none() {
        return Ok(None);
    }
    Ok(Some(move |order: &Order| {
        let tag = entity_tag(order);
        wanted.as_ref().is_none_or(|tags| tags.hold_strongly(&tag))
            && !unwanted.as_ref().is_some_and(|tags| tags.hold_weakly(&tag))
    }))
}

/// Whether a read is to be answered in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// In full.
    Full,
    /// The client has this very order already.
    NotModified,
    /// `If-Match` names others.
    Refused,
}

/// What the conditions say of reading the order with this tag.
pub(super) fn read_of(headers: &HeaderMap, tag: &str) -> Result<Read, Error> {
    let (wanted, known) = (if_match(headers)?, if_none_match(headers)?);
    Ok(match (wanted, known) {
        (Some(wanted), _) if !wanted.hold_strongly(tag) => Read::Refused,
        (_, Some(known)) if known.hold_weakly(tag) => Read::NotModified,
        _ => Read::Full,
    })
}

impl Tags {
    fn hold_strongly(&self, tag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::List(list) => list.iter().any(|known| known == tag),
        }
    }

    fn hold_weakly(&self, tag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::List(list) => list.iter().any(|known| known.trim_start_matches("W/") == tag),
        }
    }
}

fn if_match(headers: &HeaderMap) -> Result<Option<Tags>, Error> {
    read(headers, IF_MATCH, "If-Match must be * or a list of entity tags")
}

fn if_none_match(headers: &HeaderMap) -> Result<Option<Tags>, Error> {
    read(headers, IF_NONE_MATCH, "If-None-Match must be * or a list of entity tags")
}

fn read(headers: &HeaderMap, name: HeaderName, detail: &'static str) -> Result<Option<Tags>, Error> {
    let mut texts = Vec::new();
    for value in headers.get_all(name) {
        texts.push(value.to_str().map_err(|_| Error::InvalidHeader(detail))?);
    }
    if texts.is_empty() {
        return Ok(None);
    }
    parse(&texts.join(",")).map(Some).ok_or(Error::InvalidHeader(detail))
}

/// Reads `*` or a comma-separated list; a tag may hold commas itself.
fn parse(text: &str) -> Option<Tags> {
    let mut rest = text.trim();
    if rest == "*" {
        return Some(Tags::Any);
    }
    let mut list = Vec::new();
    while !rest.is_empty() {
        let (weak, quoted) = rest.strip_prefix("W/").map_or(("", rest), |quoted| ("W/", quoted));
        let (tag, behind) = quoted.strip_prefix('"')?.split_once('"')?;
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
    fn lists_of_tags_are_read_and_anything_else_is_not() {
        let list = |tags: &[&str]| Some(Tags::List(tags.iter().map(|tag| (*tag).to_owned()).collect()));
        assert_eq!(parse(" * "), Some(Tags::Any));
        assert_eq!(parse("\"a\""), list(&["\"a\""]));
        assert_eq!(parse("\"a,b\" , W/\"c\",\"\""), list(&["\"a,b\"", "W/\"c\"", "\"\""]));
        for text in ["", "a", "\"a", "\"a\" \"b\"", "w/\"a\"", "\"a\"x", "*,\"a\""] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
