//! Rate limits for each address and each caller.

use serde_json::json;

use e2e::{Response, TestApp, order};

use super::issuer::{Issuer, claims};
use super::token_file::TokenFile;
use super::{ORDER_1, send_with_token};

fn from(app: &TestApp, forwarded: &str) -> Response {
    app.send("GET", "/orders", &[("x-forwarded-for", forwarded)], None)
}

#[test]
fn an_address_gets_its_quota_and_then_429() {
    let app = TestApp::spawn_with(&[("RATE_LIMIT_PER_ADDRESS", "5/1h")]);
    for remaining in (0..5).rev() {
        let response = app.get("/orders").expect(200);
        assert_eq!(response.header("ratelimit-policy"), Some("\"address\";q=5;w=3600"));
        let field = response.header("ratelimit").expect("RateLimit").to_owned();
        assert!(field.starts_with(&format!("\"address\";r={remaining};t=")), "{field}");
    }
    for path in ["/orders", "/nowhere", "/"] {
        let response = app.get(path);
        response.expect_problem(429, "rate-limited");
        let wait: u32 = response.header("retry-after").expect("Retry-After").parse().expect("seconds");
        assert!((1..=720).contains(&wait), "{wait}");
        let field = response.header("ratelimit").expect("RateLimit").to_owned();
        assert_eq!(field, format!("\"address\";r=0;t={wait}"));
    }
    app.post("/create_order", order(1)).expect(429);
    for _ in 0..20 {
        app.get("/health").expect(200);
    }
    assert_eq!(app.count_orders(), 0);
}

#[test]
fn the_quota_comes_back() {
    let app = TestApp::spawn_with(&[("RATE_LIMIT_PER_ADDRESS", "2/2s")]);
    e2e::wait_until("the quota to be used up", || app.get("/orders").status == 429);
    e2e::wait_until("the quota to come back", || app.get("/orders").status == 200);
}

#[test]
fn an_untrusted_client_cannot_choose_its_address() {
    let app = TestApp::spawn_with(&[("RATE_LIMIT_PER_ADDRESS", "2/1h")]);
    let statuses = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(|address| from(&app, address).status);
    assert_eq!(statuses, [200, 200, 429]);
}

#[test]
fn a_trusted_proxy_s_clients_have_quotas_of_their_own() {
    let env = [("RATE_LIMIT_PER_ADDRESS", "2/1h"), ("TRUSTED_PROXIES", "127.0.0.0/8")];
    let app = TestApp::spawn_with(&env);
    for client in ["192.0.2.1", "192.0.2.2", "2001:db8::1"] {
        // What the client itself has sent stands before the proxy's entry.
        let statuses = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(|own| from(&app, &format!("{own}, {client}")).status);
        assert_eq!(statuses, [200, 200, 429], "{client}");
    }
    assert_eq!(from(&app, "2001:db8::2").status, 429, "an IPv6 network has one quota");
}

#[test]
fn a_caller_has_one_quota_for_all_its_tokens() {
    let file = TokenFile::new();
    let (first, second, other) = (file.add("shop", "read,write"), file.add("shop", "read"), file.add("other", "read"));
    let env = [("API_TOKENS_FILE", file.variable()), ("RATE_LIMIT_PER_TOKEN", "3/1h".to_owned())];
    let app = TestApp::spawn_with(&env.each_ref().map(|(name, value)| (*name, value.as_str())));
    let get = |token: &str| send_with_token(&app, ("GET", "/orders", None), token);
    assert_eq!(get(&first).header("ratelimit-policy"), Some("\"token\";q=3;w=3600"));
    assert_eq!([&first, &second, &first].map(|token| get(token).status), [200, 200, 429]);
    get(&second).expect_problem(429, "rate-limited");
    send_with_token(&app, ("POST", "/create_order", Some(ORDER_1)), &first).expect(429);
    assert_eq!(get(&other).status, 200);
    assert_eq!(app.get("/orders").status, 401, "no quota without a token");
}

#[test]
fn subjects_of_jwts_that_begin_alike_have_quotas_of_their_own() {
    let issuer = Issuer::new();
    let variables = issuer.variables();
    let app = TestApp::setup()
        .env(&variables.each_ref().map(|(name, value)| (*name, value.as_str())))
        .env(&[("RATE_LIMIT_PER_TOKEN", "2/1h")])
        .start();
    let get = |changes: &serde_json::Value| {
        send_with_token(&app, ("GET", "/orders", None), &issuer.es256(&claims("read", changes))).status
    };
    let long = |end: &str| json!({"sub": format!("https://tenants.example/{}/{end}", "a".repeat(64))});
    let subjects = [long("1"), long("2"), json!({"sub": "a"}), json!({"sub": null})];
    for changes in &subjects {
        // Each has another expiry: a caller has one quota for all of its tokens.
        assert_eq!([get(changes), get(changes), get(changes)], [200, 200, 429], "{changes}");
    }
    assert_eq!(get(&json!({"sub": ""})), 429, "an empty subject is no subject");
    let name = format!("\"jwt:https://tenants.example/{}…\"", "a".repeat(64 - 24));
    e2e::wait_until("the log to have the name, cut", || app.service().log().contains(&name));
}

#[test]
fn guessing_tokens_uses_up_the_address_s_quota() {
    let file = TokenFile::new();
    let token = file.add("shop", "read");
    let env = [
        ("API_TOKENS_FILE", file.variable()),
        ("RATE_LIMIT_PER_ADDRESS", "3/1h".to_owned()),
        ("RATE_LIMIT_PER_TOKEN", "100/1h".to_owned()),
    ];
    let app = TestApp::spawn_with(&env.each_ref().map(|(name, value)| (*name, value.as_str())));
    let get = |token: &str| send_with_token(&app, ("GET", "/orders", None), token);
    let response = get(&token).expect(200);
    assert_eq!(response.header("ratelimit-policy"), Some("\"address\";q=3;w=3600, \"token\";q=100;w=3600"));
    assert_eq!(["a", "b", "c"].map(|guess| get(guess).status), [401, 401, 429]);
    assert_eq!(get(&token).status, 429);
}

#[test]
fn without_limits_there_are_no_fields() {
    let app = TestApp::spawn();
    let response = app.get("/orders").expect(200);
    assert_eq!((response.header("ratelimit"), response.header("ratelimit-policy")), (None, None));
}
