//! The handlers: decode, call the repository, encode.

pub(crate) mod list;
pub(crate) mod orders;
