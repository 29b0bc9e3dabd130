//! The parts of HTTP that services share: bodies, query strings, preconditions, responses, CORS.

pub mod body;
pub mod conditional;
pub(crate) mod cors;
pub mod query;
pub mod reply;
pub mod response;
pub mod stream;
