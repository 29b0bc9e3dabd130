//! What a route takes and returns.

use hyper::StatusCode;

use super::parameter::AnyParameter;
use super::{Example, HeaderType, JsonType};
use crate::problem::{ProblemType, types};

/// A group of operations.
#[derive(Debug)]
pub struct Tag {
    /// The group's name.
    pub name: &'static str,
    /// What its operations have in common, in Markdown.
    pub meaning: &'static str,
}

/// What a route takes and returns, beyond what its place in the table says.
#[derive(Debug)]
pub struct Operation {
    pub(crate) id: &'static str,
    pub(crate) tag: &'static Tag,
    pub(crate) details: &'static str,
    pub(crate) path_parameters: &'static [&'static dyn AnyParameter],
    pub(crate) query_parameters: &'static [&'static dyn AnyParameter],
    pub(crate) is_conditional: bool,
    pub(crate) takes_idempotency_key: bool,
    pub(crate) body: Option<RequestBody>,
    pub(crate) responses: &'static [ResponseType],
    pub(crate) problems: &'static [&'static ProblemType],
    pub(crate) database_problems: &'static [&'static [&'static ProblemType]],
}

impl Operation {
    /// An operation without parameters, body and content. `id` is its name in programs, as in `createOrder`; each
    /// operation has another one.
    #[must_use]
    pub const fn new(id: &'static str, tag: &'static Tag) -> Self {
        Self {
            id,
            tag,
            details: "",
            path_parameters: &[],
            query_parameters: &[],
            is_conditional: false,
            takes_idempotency_key: false,
            body: None,
            responses: &[],
            problems: &[],
            database_problems: &[],
        }
    }

    /// Adds what the route's description does not say, in Markdown.
    #[must_use]
    pub const fn details(self, details: &'static str) -> Self {
        Self { details, ..self }
    }

    /// Adds the parameters of the path. A request whose parameter has no valid value gets 404.
    #[must_use]
    pub const fn path(self, path_parameters: &'static [&'static dyn AnyParameter]) -> Self {
        Self { path_parameters, ..self }
    }

    /// Adds the parameters of the query string. A request with others gets 400.
    #[must_use]
    pub const fn query(self, query_parameters: &'static [&'static dyn AnyParameter]) -> Self {
        Self { query_parameters, ..self }
    }

    /// The operation applies `If-Match` and `If-None-Match`.
    #[must_use]
    pub const fn conditional(self) -> Self {
        Self { is_conditional: true, ..self }
    }

    /// The operation may be repeated with an `Idempotency-Key`: it ends with
    /// [`Database::write`](crate::database::Database::write).
    #[must_use]
    pub const fn idempotency_key(self) -> Self {
        Self { takes_idempotency_key: true, ..self }
    }

    /// Adds the request's body.
    #[must_use]
    pub const fn body(self, body: RequestBody) -> Self {
        Self { body: Some(body), ..self }
    }

    /// Adds the responses without an error.
    #[must_use]
    pub const fn responses(self, responses: &'static [ResponseType]) -> Self {
        Self { responses, ..self }
    }

    /// Adds the problems of its own.
    #[must_use]
    pub const fn problems(self, problems: &'static [&'static ProblemType]) -> Self {
        Self { problems, ..self }
    }

    /// Adds the problems of a read of the database.
    #[must_use]
    pub const fn reads_database(self) -> Self {
        Self { database_problems: &[types::DATABASE_READ], ..self }
    }

    /// Adds the problems of a transaction that writes.
    #[must_use]
    pub const fn writes_database(self) -> Self {
        Self { database_problems: &[types::DATABASE_READ, types::DATABASE_WRITE], ..self }
    }

    /// The form of the query string, as in `?limit=&after=`.
    pub(crate) fn query_form(&self) -> String {
        let names = self.query_parameters.iter().map(|parameter| format!("{}=", parameter.description().name));
        let names: Vec<String> = names.collect();
        if names.is_empty() { String::new() } else { format!("?{}", names.join("&")) }
    }
}

/// The values of `Content-Type` that a route takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaTypes {
    /// JSON.
    Json,
    /// JSON, also if it is declared as a form. `curl -d` declares every body as a form.
    JsonOrForm,
}

/// The body of a request.
#[derive(Debug)]
pub struct RequestBody {
    /// What it contains.
    pub(crate) content: Content,
    /// The media types under which JSON is accepted.
    pub(crate) media_types: MediaTypes,
    /// What the description does not know: bounds that the configuration sets, in Markdown.
    pub(crate) meaning: &'static str,
}

impl RequestBody {
    /// A body of JSON.
    #[must_use]
    pub const fn json(r#type: &'static JsonType, examples: &'static [Example], meaning: &'static str) -> Self {
        Self { content: Content::json(r#type, examples), media_types: MediaTypes::Json, meaning }
    }

    /// A body of any media type, which may be missing. The handler takes it unread.
    #[must_use]
    pub const fn any(examples: &'static [Example]) -> Self {
        Self { content: Content::other("*/*", examples), media_types: MediaTypes::Json, meaning: "" }
    }

    /// The same body, also if it is declared as a form: `curl -d` declares every body as a form.
    #[must_use]
    pub const fn or_form(self) -> Self {
        Self { media_types: MediaTypes::JsonOrForm, ..self }
    }
}

/// What a body contains.
#[derive(Debug, Clone, Copy)]
pub struct Content {
    /// The media type.
    pub(crate) media_type: &'static str,
    /// The type of JSON values. None for other content.
    pub(crate) r#type: Option<&'static JsonType>,
    /// Values that a client may send or gets.
    pub(crate) examples: &'static [Example],
}

impl Content {
    /// JSON.
    #[must_use]
    pub const fn json(r#type: &'static JsonType, examples: &'static [Example]) -> Self {
        Self { media_type: "application/json", r#type: Some(r#type), examples }
    }

    /// Other content.
    #[must_use]
    pub const fn other(media_type: &'static str, examples: &'static [Example]) -> Self {
        Self { media_type, r#type: None, examples }
    }
}

/// A response without an error.
#[derive(Debug)]
pub struct ResponseType {
    /// The status.
    pub(crate) status: StatusCode,
    /// What the response is, in Markdown.
    pub(crate) meaning: &'static str,
    /// Its body.
    pub(crate) content: Option<Content>,
    /// Its body where the client asks for another type.
    pub(crate) other_content: Option<Content>,
    /// Its header fields, beside those of all responses.
    pub(crate) headers: &'static [&'static HeaderType],
    /// Operations that a client can go on with.
    pub(crate) links: &'static [Link],
}

impl ResponseType {
    /// A response without a body.
    #[must_use]
    pub const fn empty(status: StatusCode, meaning: &'static str) -> Self {
        Self { status, meaning, content: None, other_content: None, headers: &[], links: &[] }
    }

    /// A response with a body.
    #[must_use]
    pub const fn new(status: StatusCode, meaning: &'static str, content: Content) -> Self {
        Self { content: Some(content), ..Self::empty(status, meaning) }
    }

    /// Adds another type of the same content.
    #[must_use]
    pub const fn or(self, content: Content) -> Self {
        Self { other_content: Some(content), ..self }
    }

    /// 200 with plain text.
    #[must_use]
    pub const fn text(meaning: &'static str) -> Self {
        Self::new(StatusCode::OK, meaning, Content::other("text/plain; charset=utf-8", &[]))
    }

    /// Adds header fields.
    #[must_use]
    pub const fn headers(self, headers: &'static [&'static HeaderType]) -> Self {
        Self { headers, ..self }
    }

    /// Adds operations that a client can go on with.
    #[must_use]
    pub const fn links(self, links: &'static [Link]) -> Self {
        Self { links, ..self }
    }
}

/// An operation that a client can go on with after a response.
#[derive(Debug)]
pub struct Link {
    /// The operation's id.
    pub operation: &'static str,
    /// Its parameter.
    pub parameter: &'static str,
    /// Where the response has the parameter's value, as an OpenAPI runtime expression.
    pub expression: &'static str,
}
