//! `GET /openapi.json`: it is what the service does. That it is clean, and that generators can use it, is in
//! `tests/api`.

use e2e::described::{operators, public, resolve};
use e2e::{Client, TestApp};
use serde_json::Value;

use crate::access::token_file::TokenFile;
use crate::operator::Observed;

/// An operation of a description, with its method and path.
struct Described {
    description: &'static Value,
    method: String,
    path: String,
    operation: &'static Value,
}

fn operations(description: &'static Value) -> Vec<Described> {
    let paths = description["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, methods)| {
        methods.as_object().unwrap().iter().map(|(method, operation)| Described {
            description,
            method: method.to_uppercase(),
            path: path.clone(),
            operation,
        })
    });
    operations.collect()
}

impl Described {
    fn id(&self) -> &str {
        self.operation["operationId"].as_str().unwrap()
    }

    fn parameters(&self, place: &str) -> Vec<(&'static str, String)> {
        let all = self.operation["parameters"].as_array().unwrap().iter();
        let all = all.map(|parameter| resolve(self.description, parameter));
        let here = all.filter(|parameter| parameter["in"] == place);
        let text = |example: &Value| example.as_str().map_or_else(|| example.to_string(), str::to_owned);
        here.map(|parameter| (parameter["name"].as_str().unwrap(), text(&parameter["example"]))).collect()
    }

    /// The path with the examples of its parameters.
    fn url(&self, with_query: bool) -> String {
        let mut url = self.path.clone();
        for (name, example) in self.parameters("path") {
            url = url.replace(&format!("{{{name}}}"), &example);
        }
        let query: Vec<String> =
            self.parameters("query").iter().map(|(name, example)| format!("{name}={example}")).collect();
        if with_query && !query.is_empty() { format!("{url}?{}", query.join("&")) } else { url }
    }

    /// Whether all parameters of the query may be left out.
    fn has_optional_query(&self) -> bool {
        let all = self.operation["parameters"].as_array().unwrap().iter();
        let all = all.map(|parameter| resolve(self.description, parameter));
        all.filter(|parameter| parameter["in"] == "query").all(|parameter| parameter["required"] == false)
    }

    /// The bodies of the examples, with their media type. None where there is no body.
    fn bodies(&self) -> Vec<Option<(String, Vec<u8>)>> {
        let Some(content) = self.operation.pointer("/requestBody/content").and_then(Value::as_object) else {
            return vec![None];
        };
        let bodies = content.iter().flat_map(|(media_type, content)| {
            let media_type = if media_type == "*/*" { "text/plain" } else { media_type.as_str() };
            content["examples"].as_object().unwrap().values().map(move |example| {
                let value = &example["value"];
                let body = if media_type == "application/json" {
                    value.to_string().into_bytes()
                } else {
                    value.as_str().unwrap().as_bytes().to_vec()
                };
                Some((media_type.to_owned(), body))
            })
        });
        bodies.collect()
    }

    /// The only success that the examples can have.
    fn success(&self) -> u16 {
        let statuses = self.operation["responses"].as_object().unwrap().keys();
        statuses.filter_map(|status| status.parse().ok()).find(|status| (200..300).contains(status)).unwrap()
    }
}

/// The walkthrough's five orders, and no other.
fn reset(app: &TestApp, operation: &str) {
    app.get("/init?reset=true").expect_done();
    if !["createOrder", "createOrders", "postOrder"].contains(&operation) {
        app.post("/create_orders", include_bytes!("../../../../orders.json")).expect_done();
    }
}

/// Sends all examples of an operation, with the parameters of the query string and without those that may be missing.
/// Returns how many.
fn send_examples(described: &Described, client: &Client, prepare: impl Fn()) -> usize {
    let mut sent = 0;
    for with_query in [true, false] {
        if !with_query && !described.has_optional_query() {
            continue;
        }
        for body in described.bodies() {
            prepare();
            // A tag that the order does not have would change the response.
            let headers = described.parameters("header").into_iter().filter(|(name, _)| !name.starts_with("If-"));
            let headers: Vec<(&str, String)> = headers.collect();
            let mut headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            if let Some((media_type, _)) = &body {
                headers.push(("content-type", media_type));
            }
            let content = body.as_ref().map(|(_, content)| content.as_slice());
            // `send` compares the response with the description.
            let response = client.send(&described.method, &described.url(with_query), &headers, content);
            let response = response.expect(described.success());
            assert_eq!(response.header("x-request-id"), Some("shop-5efe0468"), "{}", described.id());
            sent += 1;
        }
    }
    sent
}

#[test]
fn each_example_is_accepted_and_gets_the_response_that_is_described() {
    let app = TestApp::spawn_with(&[("ALLOW_RESET", "true")]);
    let all = operations(public());
    let sent: usize = all.iter().map(|described| send_examples(described, &app, || reset(&app, described.id()))).sum();
    // Those whose query string may be missing are sent twice.
    let twice = all.iter().filter(|described| described.has_optional_query()).count();
    assert_eq!(sent, all.len() + twice);
}

#[test]
fn each_example_of_the_operator_s_listener_too() {
    let observed = Observed::spawn(&[]);
    let mut all = operations(operators());
    // The shutdown comes last: by GET and by POST at once.
    all.sort_by_key(|described| described.path == "/drain");
    assert!(all.len() > 6, "{}", all.len());
    for described in &all {
        assert!(send_examples(described, &observed.operator, || {}) > 0, "{}", described.id());
    }
}

#[test]
fn preconditions_are_described_where_they_apply_and_nowhere_else() {
    let app = TestApp::spawn_with(&[("ALLOW_RESET", "true")]);
    for described in operations(public()) {
        let is_conditional = described.parameters("header").iter().any(|(name, _)| *name == "If-Match");
        for body in described.bodies() {
            reset(&app, described.id());
            let mut headers = vec![("if-match", "\"a-tag-of-no-order\"")];
            if let Some((media_type, _)) = &body {
                headers.push(("content-type", media_type));
            }
            let content = body.as_ref().map(|(_, content)| content.as_slice());
            let response = app.send(&described.method, &described.url(true), &headers, content);
            let expected = if is_conditional { 412 } else { described.success() };
            assert_eq!(response.status, expected, "{}: {}", described.id(), response.summary());
        }
    }
}

#[test]
fn the_description_is_that_of_the_running_service() {
    let app = TestApp::spawn();
    let response = app.get("/openapi.json").expect(200);
    let json = response.json();
    assert_eq!(json["openapi"], "3.1.0");
    assert_eq!(json["info"]["title"], "order-service");
    assert!(json["components"].get("securitySchemes").is_none(), "no token is needed");
    assert!(json.pointer("/paths/~1orders/get/responses/401").is_none());
    assert!(json.pointer("/paths/~1orders/get/responses/429").is_none());

    let limited = TestApp::spawn_with(&[("RATE_LIMIT_PER_ADDRESS", "1000/1s")]);
    let json = limited.get("/openapi.json").expect(200).json();
    assert!(json.pointer("/paths/~1orders/get/responses/429").is_some());
    assert!(json.pointer("/paths/~1health/get/responses/429").is_none(), "probes have no quota");
}

#[test]
fn it_is_public_and_has_a_tag() {
    let tokens = TokenFile::new();
    tokens.add("shop", "read");
    let app = TestApp::spawn_with(&[("API_TOKENS_FILE", &tokens.variable())]);
    let response = app.get("/openapi.json").expect(200);
    assert!(response.json().pointer("/paths/~1orders/get/responses/401").is_some());
    assert!(response.json().pointer("/paths/~1orders/get/responses/429").is_none());
    assert_eq!(response.json()["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    let scopes = |path: &str| response.json().pointer(path).cloned();
    assert_eq!(scopes("/paths/~1orders/get/security/0/bearer/0"), Some("read".into()));
    assert_eq!(scopes("/paths/~1orders/post/security/0/bearer/0"), Some("write".into()));
    assert_eq!(scopes("/paths/~1health/get/security"), Some(Value::Array(Vec::new())));

    let tag = response.etag();
    let again = app.send("GET", "/openapi.json", &[("if-none-match", &tag)], None).expect(304);
    assert_eq!(again.etag(), tag);
    app.send("GET", "/openapi.json", &[("if-match", "\"other\"")], None).expect_problem(412, "precondition-failed");
    assert_eq!(app.head("/openapi.json").expect(200).etag(), tag);
    app.get("/openapi.json?x=1").expect_problem(400, "invalid-query");
}

#[test]
fn the_operator_s_listener_describes_its_own_routes() {
    let observed = Observed::spawn(&[]);
    let json = observed.operator.get("/openapi.json").expect(200).json();
    let paths: Vec<&String> = json["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths, ["/drain", "/health", "/log_level", "/metrics", "/openapi.json", "/ready"]);
    assert_eq!(json.pointer("/paths/~1drain/post/operationId"), Some(&"drain".into()));
    assert!(observed.app.get("/openapi.json").expect(200).json()["paths"].get("/drain").is_none());
}
