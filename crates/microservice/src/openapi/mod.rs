//! The API's description: OpenAPI 3.1, made of the table of routes and the operations that it names.
//!
//! | module | contents |
//! |---|---|
//! | `document` | the document, and what it says of each route |
//! | `components` | what operations share |
//! | `problems` | which problems an operation can have |
//! | `mistakes` | what the tables may get wrong |

mod components;
mod document;
mod json;
mod mistakes;
mod problems;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Mutex;

use hyper::body::Bytes;
use serde_json::Value;

use crate::http::conditional::entity_tag;
use crate::sync::lock;

pub(crate) use document::{Document, Security};
pub(crate) use mistakes::in_table as mistakes_in_table;
pub(crate) use problems::of_tables as problems_of_tables;

/// The description of a listener's routes. It is made when it is first asked for, and kept.
pub(crate) struct Description {
    describe: fn(Security) -> Value,
    has_rate_limits: bool,
    made: Mutex<Option<(Security, Bytes, String)>>,
}

impl Description {
    /// A description that is made by `describe`.
    pub(crate) fn new(has_rate_limits: bool, describe: fn(Security) -> Value) -> Self {
        Self { describe, has_rate_limits, made: Mutex::new(None) }
    }

    /// The document as JSON, and its entity tag.
    pub(crate) fn document(&self, needs_tokens: bool) -> (Bytes, String) {
        let security = Security { needs_tokens, has_rate_limits: self.has_rate_limits };
        let mut made = lock(&self.made);
        match &*made {
            Some((known, json, tag)) if *known == security => (json.clone(), tag.clone()),
            _ => {
                let json = Bytes::from((self.describe)(security).to_string());
                let tag = entity_tag(&json);
                *made = Some((security, json.clone(), tag.clone()));
                (json, tag)
            }
        }
    }
}

impl fmt::Debug for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Description").finish_non_exhaustive()
    }
}
