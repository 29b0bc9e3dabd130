//! The handlers: decode, call the repository, encode.

mod json_types;
pub(crate) mod list;
pub(crate) mod orders;
