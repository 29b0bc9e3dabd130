//! Pages for people: files that are compiled into the service.
//!
//! They are compressed once, when the service is built (`crates/page_files`). A browser keeps them and asks each time
//! whether they have changed. A strict policy lets them load nothing from elsewhere and run no script but their own.

use std::io::Read as _;

use flate2::read::GzDecoder;
use hyper::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue,
    REFERRER_POLICY, VARY,
};
use hyper::{Body, HeaderMap, Response, StatusCode};

use crate::http::conditional::{Preconditions, ReadResponse};
use crate::http::response;
use crate::problem::{Problem, types};

/// The policy of all files (CSP 3): scripts, styles and images from the page's own origin; no frames, no forms that
/// leave the page.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

const CROSS_ORIGIN_OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// A file of a page, compressed.
#[derive(Debug)]
pub struct PageFile {
    /// The file's name, as in `page.js`.
    pub name: &'static str,
    /// Its `Content-Type`.
    pub media_type: &'static str,
    /// Its length without compression, in bytes.
    pub length: usize,
    /// The entity tag of its content.
    pub tag: &'static str,
    /// The file in gzip's format.
    pub compressed: &'static [u8],
    /// The entity tag of that: another representation has another tag (RFC 9110 §8.8.3.3).
    pub compressed_tag: &'static str,
}

/// The file with this name.
pub(crate) fn find(files: &'static [PageFile], name: &str) -> Option<&'static PageFile> {
    files.iter().find(|file| file.name == name)
}

/// The response with a file.
///
/// # Errors
/// 400 for malformed preconditions, 412 where `If-Match` has other tags.
pub(crate) fn respond(file: &PageFile, headers: &HeaderMap) -> Result<Response<Body>, Problem> {
    let is_compressed = accepts_gzip(headers);
    let tag = if is_compressed { file.compressed_tag } else { file.tag };
    let mut response = match Preconditions::from_headers(headers)?.read_response(tag) {
        ReadResponse::Full => full(file, is_compressed)?,
        ReadResponse::NotModified => response::empty(StatusCode::NOT_MODIFIED),
        ReadResponse::PreconditionFailed => {
            return Err(Problem::new(&types::PRECONDITION_FAILED, "The file has another tag than If-Match names."));
        }
    };
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CROSS_ORIGIN_OPENER_POLICY, HeaderValue::from_static("same-origin"));
    Ok(response::with_entity_tag(response, tag))
}

fn full(file: &PageFile, is_compressed: bool) -> Result<Response<Body>, Problem> {
    if !is_compressed {
        return Ok(response::with_type(StatusCode::OK, file.media_type, decompress(file)?));
    }
    let mut response = response::with_type(StatusCode::OK, file.media_type, file.compressed);
    response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Ok(response)
}

/// True where the client takes gzip (RFC 9110 §12.5.3). Browsers do; `curl` without `--compressed` does not.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut codings = values.flat_map(|value| value.split(','));
    codings.any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let is_refused = parts.filter_map(|part| part.strip_prefix("q=")).any(|weight| weight.parse() == Ok(0.0));
        is_gzip && !is_refused
    })
}

/// The file without compression, for the few clients that need it so.
fn decompress(file: &PageFile) -> Result<Vec<u8>, Problem> {
    let mut content = Vec::with_capacity(file.length);
    let read = GzDecoder::new(file.compressed).read_to_end(&mut content);
    read.map_err(|error| Problem::internal(&error))?;
    Ok(content)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// "a page\n" in gzip's format.
    const COMPRESSED: &[u8] =
        &[31, 139, 8, 0, 0, 0, 0, 0, 2, 255, 75, 84, 40, 72, 76, 79, 229, 2, 0, 233, 70, 142, 120, 7, 0, 0, 0];

    const FILE: PageFile = PageFile {
        name: "index.html",
        media_type: "text/html; charset=utf-8",
        length: 7,
        tag: "\"0123\"",
        compressed: COMPRESSED,
        compressed_tag: "\"4567\"",
    };

    fn with(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        for accepted in ["gzip", "br, gzip", "deflate, GZIP;q=0.5", "gzip; q=1"] {
            assert!(accepts_gzip(&with(ACCEPT_ENCODING, accepted)), "{accepted}");
        }
        for refused in ["", "identity", "br", "gzip;q=0", "gzip; q=0.000", "x-gzip2"] {
            assert!(!accepts_gzip(&with(ACCEPT_ENCODING, refused)), "{refused}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn each_representation_has_its_tag() {
        let compressed = respond(&FILE, &with(ACCEPT_ENCODING, "gzip")).unwrap();
        assert_eq!(
            (&compressed.headers()["etag"], &compressed.headers()["content-encoding"]),
            (&"\"4567\"".parse().unwrap(), &"gzip".parse().unwrap())
        );
        let plain = respond(&FILE, &HeaderMap::new()).unwrap();
        assert_eq!(plain.headers()["etag"], "\"0123\"");
        assert!(!plain.headers().contains_key("content-encoding"));
        let known = respond(&FILE, &with("if-none-match".parse().unwrap(), "\"0123\"")).unwrap();
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
        assert!(!known.headers().contains_key("content-type"));
        assert!(known.headers().contains_key("content-security-policy"));
    }

    #[test]
    fn a_file_without_compression_is_the_same() {
        assert_eq!(decompress(&FILE).unwrap(), b"a page\n");
    }
}
