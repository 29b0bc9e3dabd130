//! Floods of JWTs that are not valid: they keep no valid one out. Addresses are those that a trusted proxy reports.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use e2e::{Client, TestApp, wait_until};

use super::issuer::{Issuer, claims, encode, message, now};

/// The flood's address, and that of an honest client.
const FLOOD: &str = "192.0.2.1";
const HONEST: &str = "198.51.100.7";

fn spawn(issuer: &Issuer) -> TestApp {
    let variables = issuer.variables();
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    TestApp::setup().env(&variables).env(&[("TRUSTED_PROXIES", "127.0.0.0/8")]).start()
}

/// The status of a request with this token from this address.
fn status(client: &Client, address: &str, token: &str) -> u16 {
    let headers = [("x-forwarded-for", address), ("authorization", &*format!("Bearer {token}"))];
    client.send("GET", "/orders", &headers, None).status
}

/// A valid token that no other call returns.
fn new_token(issuer: &Issuer, number: usize) -> String {
    issuer.es256(&claims("read", &json!({"sub": format!("client-{number}")})))
}

/// Tokens with these claims and a wrong signature each.
fn forged(claims: &Value) -> impl Iterator<Item = String> + use<> {
    let signed = message(&json!({"alg": "ES256", "kid": "ec"}), claims);
    (0_u32..).map(move |number| format!("{signed}.{}", encode(&[number.to_be_bytes(); 16].concat())))
}

#[test]
fn a_flood_of_forged_jwts_keeps_no_new_jwt_of_another_address_out() {
    let issuer = Issuer::new();
    let app = spawn(&issuer);
    let (is_refused, is_over) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        for part in 0..4 {
            let mut tokens = forged(&claims("read", &json!({"part": part})));
            let (client, is_refused, is_over) = (app.new_client(), &is_refused, &is_over);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    if status(&client, FLOOD, &tokens.next().unwrap()) == 503 {
                        is_refused.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
        let client = app.new_client();
        let statuses: Vec<u16> = (0..10)
            .map(|number| {
                wait_until("the flood to reach its bound", || is_refused.swap(false, Ordering::Relaxed));
                status(&client, HONEST, &new_token(&issuer, number))
            })
            .collect();
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(statuses, [200; 10]);
    });
}

#[test]
fn jwts_that_are_rejected_before_their_signature_count_for_nobody() {
    let issuer = Issuer::new();
    let app = spawn(&issuer);
    let client = app.new_client();
    let valid = claims("read", &json!({}));
    let signature = encode(&[7; 64]);
    let rejected = [
        ".".to_owned(),
        "a.b.c".to_owned(),
        format!("{}.{signature}", message(&json!({"alg": "none"}), &valid)),
        format!("{}.{signature}", message(&json!({"alg": "ES256", "kid": "other"}), &valid)),
        format!("{}.{}", message(&json!({"alg": "ES256", "kid": "ec"}), &valid), encode(&[7; 63])),
        format!("{}.{signature}", message(&json!({"alg": "RS256", "kid": "rsa"}), &valid)),
    ];
    for _ in 0..40 {
        for token in &rejected {
            assert_eq!(status(&client, HONEST, token), 401, "{token}");
        }
    }
    assert_eq!(status(&client, HONEST, &new_token(&issuer, 0)), 200);
}

#[test]
fn forged_jwts_with_wrong_claims_take_nothing_from_valid_ones() {
    let issuer = Issuer::new();
    let app = spawn(&issuer);
    let client = app.new_client();
    for changes in [json!({"exp": now() - 600}), json!({"aud": "https://other.example"}), json!({"iss": "other"})] {
        for token in forged(&claims("read", &changes)).take(120) {
            assert_eq!(status(&client, HONEST, &token), 401, "{changes}");
        }
    }
    assert_eq!(status(&client, HONEST, &new_token(&issuer, 0)), 200);
}

#[test]
fn a_forged_jwt_gets_one_reason_whatever_its_claims_are() {
    let issuer = Issuer::new();
    let app = spawn(&issuer);
    for changes in [json!({}), json!({"exp": 0}), json!({"aud": "x"}), json!({"iss": "x"}), json!({"nbf": "x"})] {
        let token = forged(&claims("read", &changes)).next().unwrap();
        let response = app.send("GET", "/orders", &[("authorization", &format!("Bearer {token}"))], None);
        let problem = response.expect_problem(401, "invalid-token");
        assert_eq!(problem.detail, "The token's signature is invalid.", "{changes}");
    }
}

#[test]
fn a_signed_jwt_with_wrong_claims_gets_its_reason_however_often_it_comes() {
    let issuer = Issuer::new();
    let app = spawn(&issuer);
    let expired = issuer.es256(&claims("read", &json!({"exp": now() - 600})));
    for _ in 0..150 {
        let response = app.send("GET", "/orders", &[("authorization", &format!("Bearer {expired}"))], None);
        assert_eq!(response.expect_problem(401, "invalid-token").detail, "The token has expired.");
    }
}
