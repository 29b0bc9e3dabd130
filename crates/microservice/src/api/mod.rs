//! What a route takes and returns, declared: parameters, body, responses, problems.
//!
//! An [`Operation`] stands beside its handler, and the table of routes names it. The parsers of parameters, the
//! accepted media types and the API's description (`GET /openapi.json`) come from it. What follows from a route's
//! requirements (tokens, bounds, preconditions) is added by the kit, with the problems that come with it.
//!
//! | module | contents |
//! |---|---|
//! | [`parameter`] | parameters of paths and query strings |
//! | [`headers`] | the header fields that any service has |
//! | `operation` | an operation and its parts |
//! | `types` | named types of JSON values, header fields, examples |

pub mod headers;
mod operation;
pub mod parameter;
mod types;

pub use operation::{Content, Link, MediaTypes, Operation, RequestBody, ResponseType, Tag};
pub use parameter::Parameter;
pub use types::{Example, HeaderType, JsonType};
