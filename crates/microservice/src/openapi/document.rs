//! The document, from the table of routes.

use std::collections::BTreeMap;

use serde_json::Value;

use super::components::Components;
use super::json::{collect, example, insert, object, parse};
use super::problems;
use crate::access::Requirements;
use crate::api::parameter::ParameterDescription;
use crate::api::{HeaderType, Operation, Tag, headers};
use crate::routes::Route;

/// What the configuration decides of the description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Security {
    /// Callers need tokens.
    pub(crate) needs_tokens: bool,
    /// Addresses or callers have quotas.
    pub(crate) has_rate_limits: bool,
}

/// What is said of the service as a whole.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) about: &'static str,
    /// An SPDX expression.
    pub(crate) license: Option<&'static str>,
    pub(crate) security: Security,
}

impl Document {
    /// The description of a table of routes.
    pub(crate) fn describe<S>(&self, routes: &[Route<S>]) -> Value {
        self.describe_all(&mut routes.iter().filter_map(Described::new))
    }

    fn describe_all(&self, routes: &mut dyn Iterator<Item = Described>) -> Value {
        let mut components = Components::new(self.name, self.security.has_rate_limits);
        let mut paths: BTreeMap<String, Value> = BTreeMap::new();
        let mut tags: BTreeMap<&str, &Tag> = BTreeMap::new();
        for route in routes {
            tags.insert(route.operation.tag.name, route.operation.tag);
            let described = self.describe_route(&route, &mut components);
            let path = paths.entry(route.path.to_owned()).or_insert_with(|| object([]));
            insert(path, &route.method.to_ascii_lowercase(), described);
        }
        let tags: Vec<Value> =
            tags.values().map(|tag| object([("name", tag.name.into()), ("description", tag.meaning.into())])).collect();
        let mut components = components.into_json();
        if self.security.needs_tokens {
            let bearer = object([
                ("type", "http".into()),
                ("scheme", "bearer".into()),
                ("description", "A token, or a JWT (RFC 6750).".into()),
            ]);
            insert(&mut components, "securitySchemes", object([("bearer", bearer)]));
        }
        object([
            ("openapi", "3.1.0".into()),
            ("info", self.info()),
            ("servers", vec![object([("url", "/".into())])].into()),
            // What needs a token says so.
            ("security", Vec::<Value>::new().into()),
            ("tags", tags.into()),
            ("paths", collect(&mut paths.into_iter())),
            ("components", components),
        ])
    }

    /// What holds for all operations.
    fn info(&self) -> Value {
        let text = format!(
            "{}\n\nAll errors are problem details (RFC 9457). Programs should decide by `type`, which is stable. A \
             path that is not listed gets 404 `not-found`, a method that is not listed 405 `method-not-allowed`. `HEAD` \
             works wherever `GET` does, and changes nothing. `OPTIONS` lists the methods of a path in `Allow`. Where \
             CORS is configured, responses have `Vary` and `Access-Control-*` too.",
            self.about
        );
        let mut info =
            object([("title", self.name.into()), ("version", self.version.into()), ("description", text.into())]);
        if let Some(license) = self.license {
            let license = object([("name", license.into()), ("identifier", license.into())]);
            insert(&mut info, "license", license);
        }
        info
    }

    fn describe_route(&self, route: &Described, components: &mut Components) -> Value {
        let operation = route.operation;
        let mut described = object([
            ("operationId", operation.id.into()),
            ("summary", capitalised(route.description).into()),
            ("tags", vec![Value::from(operation.tag.name)].into()),
            ("parameters", describe_parameters(operation, components)),
        ]);
        if !operation.details.is_empty() {
            insert(&mut described, "description", operation.details.into());
        }
        if let Some(body) = &operation.body {
            let is_required = body.content.r#type.is_some();
            let mut body_described = object([
                ("required", is_required.into()),
                ("content", collect(&mut [components.content(&body.content)].into_iter())),
            ]);
            if !body.meaning.is_empty() {
                insert(&mut body_described, "description", body.meaning.into());
            }
            insert(&mut described, "requestBody", body_described);
        }
        if self.security.needs_tokens {
            let scopes = route.requirements.scope.into_iter();
            let security: Vec<Value> =
                scopes.map(|scope| object([("bearer", vec![Value::from(scope.name())].into())])).collect();
            insert(&mut described, "security", security.into());
        }
        insert(&mut described, "responses", self.describe_responses(route, components));
        described
    }

    fn describe_responses(&self, route: &Described, components: &mut Components) -> Value {
        let mut responses: Vec<(String, Value)> = Vec::new();
        for response in route.operation.responses {
            responses.push((
                response.status.as_str().to_owned(),
                components.response(response, route.operation.takes_idempotency_key),
            ));
        }
        let problems = problems::of(route.operation, route.requirements, self.security);
        for same_status in problems.chunk_by(|one, other| one.status == other.status) {
            if let Some(first) = same_status.first() {
                let described = components.problems(first.status, same_status);
                responses.push((first.status.as_str().to_owned(), described));
            }
        }
        collect(&mut responses.into_iter())
    }
}

/// A described route without its service's type: the code for it is compiled once.
struct Described {
    method: &'static str,
    path: &'static str,
    description: &'static str,
    operation: &'static Operation,
    requirements: Requirements,
}

impl Described {
    fn new<S>(route: &Route<S>) -> Option<Self> {
        let Route { method, path, description, operation, requirements, .. } = *route;
        Some(Self { method, path, description, operation: operation?, requirements })
    }
}

fn describe_parameters(operation: &Operation, components: &mut Components) -> Value {
    let mut parameters: Vec<Value> = Vec::new();
    for (place, list) in [("path", operation.path_parameters), ("query", operation.query_parameters)] {
        parameters.extend(list.iter().map(|parameter| describe_parameter(place, parameter.description())));
    }
    let conditional: &[&HeaderType] =
        if operation.is_conditional { &[&headers::IF_MATCH, &headers::IF_NONE_MATCH] } else { &[] };
    let keys: &[&HeaderType] = if operation.takes_idempotency_key { &[&headers::IDEMPOTENCY_KEY] } else { &[] };
    let general = [&headers::REQUEST_ID_OF_CLIENT, &headers::TRACEPARENT, &headers::TRACESTATE];
    for header in conditional.iter().chain(keys).copied().chain(general) {
        parameters.push(components.request_header(header));
    }
    parameters.into()
}

fn describe_parameter(place: &str, parameter: &ParameterDescription) -> Value {
    let schema = parse(&(parameter.schema)());
    object([
        ("name", parameter.name.into()),
        ("in", place.into()),
        ("required", parameter.is_required.into()),
        ("description", parameter.meaning.into()),
        ("example", example(&schema, parameter.example)),
        ("schema", schema),
    ])
}

/// The text with a capital first letter.
fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
