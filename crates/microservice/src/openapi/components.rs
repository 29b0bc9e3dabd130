//! What operations share: each schema, header field, problem stands in the document once.

use std::collections::BTreeMap;

use hyper::StatusCode;
use serde_json::Value;

use super::json::{collect, example, insert, object, parse, reference};
use super::problems::PROBLEM;
use crate::api::{Content, HeaderType, JsonType, ResponseType, headers};
use crate::problem::{self, ProblemType};

/// Parts of one kind, by name.
type Parts = BTreeMap<String, Value>;

/// The shared parts.
pub(super) struct Components {
    service: &'static str,
    has_rate_limits: bool,
    schemas: Parts,
    headers: Parts,
    parameters: Parts,
    responses: Parts,
    examples: Parts,
}

impl Components {
    /// No parts yet.
    pub(super) fn new(service: &'static str, has_rate_limits: bool) -> Self {
        let [schemas, headers, parameters, responses, examples] = [const { Parts::new() }; 5];
        Self { service, has_rate_limits, schemas, headers, parameters, responses, examples }
    }

    /// All parts.
    pub(super) fn into_json(self) -> Value {
        object([
            ("schemas", collect(&mut self.schemas.into_iter())),
            ("headers", collect(&mut self.headers.into_iter())),
            ("parameters", collect(&mut self.parameters.into_iter())),
            ("responses", collect(&mut self.responses.into_iter())),
            ("examples", collect(&mut self.examples.into_iter())),
        ])
    }

    /// A response without an error. `may_be_replayed`: the request may have had it before.
    pub(super) fn response(&mut self, response: &ResponseType, may_be_replayed: bool) -> Value {
        let mut headers = self.headers(response.headers);
        if may_be_replayed {
            let header = &headers::IDEMPOTENCY_REPLAYED;
            insert(&mut headers, header.name, self.header(header));
        }
        let mut described = object([("description", response.meaning.into()), ("headers", headers)]);
        if response.content.is_some() {
            let contents = response.content.iter().chain(&response.other_content);
            insert(&mut described, "content", collect(&mut contents.map(|content| self.content(content))));
        }
        if !response.links.is_empty() {
            let mut links = response.links.iter().map(|link| {
                let parameters = object([(link.parameter, link.expression.into())]);
                let described = object([("operationId", link.operation.into()), ("parameters", parameters)]);
                (link.operation.to_owned(), described)
            });
            insert(&mut described, "links", collect(&mut links));
        }
        described
    }

    /// A reference to the response with one of these problems, which all have the status. Its name tells them.
    pub(super) fn problems(&mut self, status: StatusCode, types: &[&'static ProblemType]) -> Value {
        let slugs: Vec<&str> = types.iter().map(|problem| problem.slug).collect();
        let name = format!("{}-{}", status.as_str(), slugs.join("-"));
        let reference = reference("responses", &name);
        if !self.responses.contains_key(&name) {
            let described = self.describe_problems(status, types);
            self.responses.insert(name, described);
        }
        reference
    }

    fn describe_problems(&mut self, status: StatusCode, types: &[&'static ProblemType]) -> Value {
        let own: &[&HeaderType] = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => &[&headers::WWW_AUTHENTICATE],
            StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                &[&headers::RETRY_AFTER]
            }
            _ => &[],
        };
        let urns: Vec<Value> = types.iter().map(|problem| problem.urn(self.service).into()).collect();
        let lines: Vec<String> = types.iter().map(|problem| describe_problem(problem)).collect();
        let examples =
            collect(&mut types.iter().map(|problem| (problem.slug.to_owned(), self.problem_example(problem))));
        let content = object([("schema", self.schema(&PROBLEM)), ("examples", examples)]);
        object([
            ("description", lines.join("\n").into()),
            ("headers", self.headers(own)),
            ("content", object([(problem::MEDIA_TYPE, content)])),
            // Not an enumeration in the schema: generators make a type of each, which a new one would break.
            ("x-problem-types", urns.into()),
        ])
    }

    fn problem_example(&mut self, problem: &'static ProblemType) -> Value {
        let value = object([
            ("type", problem.urn(self.service).into()),
            ("title", problem.title.into()),
            ("status", problem.status.as_u16().into()),
            ("detail", problem.meaning.into()),
            ("request_id", headers::REQUEST_ID.example.into()),
        ]);
        let described = object([("summary", problem.title.into()), ("value", value)]);
        self.examples.insert(problem.slug.to_owned(), described);
        reference("examples", problem.slug)
    }

    /// The content of a body, with its media type.
    pub(super) fn content(&mut self, content: &Content) -> (String, Value) {
        let schema = content.r#type.map_or_else(|| object([]), |known| self.schema(known));
        let mut described = object([("schema", schema)]);
        if !content.examples.is_empty() {
            let is_json = content.r#type.is_some();
            let mut examples = content.examples.iter().map(|example| {
                let value = if is_json { parse(example.value) } else { example.value.into() };
                (example.name.to_owned(), object([("value", value)]))
            });
            insert(&mut described, "examples", collect(&mut examples));
        }
        (content.media_type.to_owned(), described)
    }

    /// A reference to a header field of requests.
    pub(super) fn request_header(&mut self, header: &HeaderType) -> Value {
        let place = [("name", header.name.into()), ("in", "header".into())];
        share_header(&mut self.parameters, "parameters", header, place)
    }

    /// References to these header fields and to those of all responses.
    fn headers(&mut self, own: &[&HeaderType]) -> Value {
        let general: &[&HeaderType] =
            &[&headers::REQUEST_ID, &headers::CACHE_CONTROL, &headers::X_CONTENT_TYPE_OPTIONS];
        let quotas: &[&HeaderType] =
            if self.has_rate_limits { &[&headers::RATE_LIMIT_POLICY, &headers::RATE_LIMIT] } else { &[] };
        let all = own.iter().chain(general).chain(quotas);
        collect(&mut all.map(|header| (header.name.to_owned(), self.header(header))))
    }

    /// A reference to a header field of responses.
    fn header(&mut self, header: &HeaderType) -> Value {
        share_header(&mut self.headers, "headers", header, [("required", header.is_always_there.into())])
    }

    /// A reference to the type's schema.
    fn schema(&mut self, r#type: &JsonType) -> Value {
        if !self.schemas.contains_key(r#type.name) {
            self.schemas.insert(r#type.name.to_owned(), parse(&(r#type.schema)()));
            for part in r#type.parts {
                self.schema(part);
            }
        }
        reference("schemas", r#type.name)
    }
}

/// Describes a header field, once, with these members too. A reference to it.
fn share_header<const N: usize>(
    parts: &mut Parts,
    kind: &str,
    header: &HeaderType,
    members: [(&str, Value); N],
) -> Value {
    if !parts.contains_key(header.name) {
        let schema = parse(header.schema);
        let mut described = object(members);
        insert(&mut described, "description", header.meaning.into());
        insert(&mut described, "example", example(&schema, header.example));
        insert(&mut described, "schema", schema);
        parts.insert(header.name.to_owned(), described);
    }
    reference(kind, header.name)
}

/// A line of Markdown about a problem.
fn describe_problem(problem: &ProblemType) -> String {
    let ProblemType { slug, meaning, advice, .. } = problem;
    let separator = if advice.is_empty() { "" } else { ": " };
    format!("- `{slug}`: {meaning}{separator}{advice}")
}
