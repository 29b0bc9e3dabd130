//! The functions that are fuzzed, each with the promises that it must keep.

pub(crate) mod access;
pub(crate) mod conditional;
pub(crate) mod dns;
pub(crate) mod driver;
pub(crate) mod money;
pub(crate) mod mysql;
pub(crate) mod orders;
pub(crate) mod query;
pub(crate) mod trace;
pub(crate) mod variables;
