//! The document of a small table of routes.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::sync::Arc;

use hyper::{Body, Response, StatusCode};
use serde_json::json;

use super::problems::PROBLEM;
use super::*;
use crate::api::parameter::whole_number;
use crate::api::{Content, Example, JsonType, Operation, Parameter, RequestBody, ResponseType, Tag};
use crate::handler;
use crate::operations::ADMIN_ROUTES;
use crate::problem::{FieldProblem, Problem, types};
use crate::request::Request;
use crate::routes::{HandlerResult, Route};

async fn nothing(_: Arc<()>, _: Request) -> HandlerResult {
    Ok(Response::new(Body::empty()))
}

const THINGS: Tag = Tag { name: "Things", meaning: "All that is." };
const THING: JsonType = JsonType::new("Thing", || r#"{"type":"object"}"#.into());
const LIST: JsonType = JsonType::new("List", || format!(r#"{{"type":"array","items":{}}}"#, THING.reference()).into())
    .with_parts(&[&THING]);
const ID: Parameter<u32> = Parameter::required("id", whole_number::<1, 9>(), "7", "Which thing.");
const LIMIT: Parameter<u32> = Parameter::optional("limit", whole_number::<1, 9>(), "5", "How many.");

const GET: Operation = Operation::new("getThing", &THINGS)
    .path(&[&ID])
    .conditional()
    .responses(&[ResponseType::new(StatusCode::OK, "The thing.", Content::json(&THING, &[]))])
    .reads_database();
const ALL: Operation = Operation::new("listThings", &THINGS).query(&[&LIMIT]).responses(&[ResponseType::new(
    StatusCode::OK,
    "Things.",
    Content::json(&LIST, &[]),
)]);
const PUT: Operation = Operation::new("putThing", &THINGS)
    .path(&[&ID])
    .body(RequestBody::json(&THING, &[Example::new("empty", "{}")], "Small."))
    .responses(&[ResponseType::empty(StatusCode::NO_CONTENT, "Written.")]);

static ROUTES: &[Route<()>] = &[
    Route::get("/things/{id}", handler!(nothing), "a thing").operation(&GET),
    Route::put("/things/{id}", handler!(nothing), "write it").operation(&PUT),
    Route::get("/things", handler!(nothing), "things").operation(&ALL),
    Route::get("/hidden", handler!(nothing), "no operation, no description"),
];

fn describe(needs_tokens: bool, has_rate_limits: bool) -> Value {
    let security = Security { needs_tokens, has_rate_limits };
    let document = Document { name: "shop", version: "1.2.3", about: "Things.", license: Some("MIT"), security };
    document.describe(ROUTES)
}

/// All references in a document.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn each_reference_has_a_target() {
    let document = describe(true, true);
    let mut all = Vec::new();
    references(&document, &mut all);
    assert!(all.len() > 50, "{}", all.len());
    for reference in all {
        assert!(document.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{reference}");
    }
}

/// A schema that is no JSON would be a string.
#[test]
fn each_schema_is_an_object() {
    let security = Security { needs_tokens: true, has_rate_limits: true };
    let document = Document { name: "shop", version: "1", about: "", license: None, security };
    for described in [describe(true, true), document.describe(ADMIN_ROUTES)] {
        let mut checked = 0;
        for kind in ["schemas", "headers", "parameters"] {
            for (name, part) in described["components"][kind].as_object().unwrap() {
                let schema = if kind == "schemas" { part } else { &part["schema"] };
                assert!(schema.is_object(), "{name}: {schema}");
                checked += 1;
            }
        }
        assert!(checked > 9, "{checked}");
    }
}

#[test]
fn a_path_has_its_methods_and_an_operation_its_parts() {
    let document = describe(false, false);
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths, ["/things", "/things/{id}"]);
    let put = document.pointer("/paths/~1things~1{id}/put").unwrap();
    assert_eq!((&put["operationId"], &put["summary"]), (&json!("putThing"), &json!("Write it")));
    assert_eq!(put.pointer("/requestBody/content/application~1json/examples/empty/value"), Some(&json!({})));
    assert_eq!(
        document.pointer("/paths/~1things/get/parameters/0"),
        Some(&json!({
            "name": "limit", "in": "query", "required": false, "description": "How many.", "example": 5,
            "schema": {"type": "integer", "minimum": 1, "maximum": 9},
        }))
    );
    assert!(document.pointer("/components/schemas/Thing").is_some(), "a part of another type");
}

#[test]
fn problems_follow_from_the_route() {
    let statuses = |document: &Value, path: &str| -> Vec<String> {
        document.pointer(path).unwrap().as_object().unwrap().keys().cloned().collect()
    };
    let open = describe(false, false);
    assert_eq!(
        statuses(&open, "/paths/~1things~1{id}/put/responses"),
        ["204", "400", "403", "404", "408", "413", "415", "421", "431", "503"]
    );
    assert_eq!(statuses(&open, "/paths/~1things/get/responses"), ["200", "400", "421", "431", "503"]);
    assert_eq!(
        statuses(&open, "/paths/~1things~1{id}/get/responses"),
        ["200", "400", "404", "421", "431", "500", "503", "504"]
    );
    let closed = describe(true, true);
    assert_eq!(
        statuses(&closed, "/paths/~1things/get/responses"),
        ["200", "400", "401", "403", "421", "429", "431", "503"]
    );
    assert_eq!(closed.pointer("/paths/~1things/get/security"), Some(&json!([{"bearer": ["read"]}])));
    assert_eq!(open.pointer("/paths/~1things/get/security"), None);
}

/// What a problem contains, and what is said of it, are two pieces of code.
#[test]
fn a_problem_has_the_members_that_are_described() {
    let error = FieldProblem { field: "limit".to_owned(), detail: "is wrong".to_owned() };
    let problem = Problem::new(&types::INVALID_QUERY, "x".repeat(1000)).with_errors(vec![error]);
    let json: Value = serde_json::from_slice(&problem.to_json("shop", "1")).unwrap();
    let schema: Value = serde_json::from_str(&(PROBLEM.schema)()).unwrap();
    let described: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(json.as_object().unwrap().keys().collect::<Vec<_>>(), described);
    assert_eq!(
        json["detail"].as_str().unwrap().len() as u64,
        schema["properties"]["detail"]["maxLength"].as_u64().unwrap()
    );
}

#[test]
fn a_document_is_made_once_until_tokens_are_needed() {
    let description = Description::new(true, |security| json!({"tokens": security.needs_tokens}));
    let (json, tag) = description.document(false);
    assert_eq!(json, r#"{"tokens":false}"#);
    assert_eq!(description.document(false).0.as_ptr(), json.as_ptr());
    let (other, other_tag) = description.document(true);
    assert_eq!(other, r#"{"tokens":true}"#);
    assert_ne!(tag, other_tag);
}
