//! HTTP clients: [`Client`] for ordinary requests, [`RawConnection`] for bytes that no ordinary client sends.

mod client;
mod raw;
mod raw_read;
mod raw_response;

pub use client::{Client, Response};
pub use raw::RawConnection;
pub use raw_response::{RawHead, RawResponse};
/// The types of [`Response::headers`], so that callers need no dependency on the library.
pub use ureq::http::{HeaderMap, HeaderName, HeaderValue};
