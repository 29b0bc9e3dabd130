//! JWTs of another system as access tokens, and every way to forge one.

use ring::hmac;
use serde_json::{Value, json};

use e2e::{Response, TestApp, wait_until};

use super::issuer::{ISSUER, Issuer, claims, encode, message, now};
use super::token_file::TokenFile;
use super::{ORDER_1, send_with_token};

fn spawn(issuer: &Issuer) -> TestApp {
    TestApp::spawn_with(&issuer.variables().each_ref().map(|(name, value)| (*name, value.as_str())))
}

fn get(app: &TestApp, token: &str) -> Response {
    send_with_token(app, ("GET", "/orders", None), token)
}

#[track_caller]
fn expect_invalid(app: &TestApp, token: &str, reason: &str) {
    let response = get(app, token);
    response.expect_problem(401, "invalid-token");
    let challenge = response.header("www-authenticate").expect("WWW-Authenticate");
    assert!(challenge.contains("error=\"invalid_token\"") && challenge.contains(reason), "{reason}: {challenge}");
}

#[test]
fn a_signed_token_allows_what_its_scopes_say() {
    let issuer = Issuer::new();
    let app = spawn(&issuer);
    app.get("/orders").expect_problem(401, "token-required");
    for token in [issuer.es256(&claims("read write", &json!({}))), issuer.rs256(&claims("read write", &json!({})))] {
        get(&app, &token).expect(200);
        get(&app, &token).expect(200);
        let status = send_with_token(&app, ("POST", "/create_order", Some(ORDER_1)), &token).status;
        assert!([200, 409].contains(&status), "{status}");
    }
    let reader = issuer.es256(&claims("read other:write", &json!({})));
    send_with_token(&app, ("DELETE", "/orders/1", None), &reader).expect_problem(403, "insufficient-scope");
    wait_until("the log to have the subject", || app.service().log().contains("jwt:shop-7"));
}

#[test]
fn claims_may_have_each_form_that_the_standards_allow() {
    let issuer = Issuer::new();
    let app = spawn(&issuer);
    for changes in [
        json!({"aud": ["https://other.example", super::issuer::AUDIENCE]}),
        json!({"scope": null, "scp": ["read", "write"]}),
        json!({"scope": null, "scp": "read"}),
        json!({"nbf": null, "iat": null, "sub": null}),
        json!({"exp": now() as f64 + 600.5}),
        // The clocks may differ by a minute.
        json!({"exp": now() - 20}),
        json!({"nbf": now() + 20}),
    ] {
        assert_eq!(get(&app, &issuer.es256(&claims("read", &changes))).status, 200, "{changes}");
    }
    issuer.publish(&[issuer.ec_jwk("ec")]);
    let without_key_id = issuer.es256_with(&json!({"alg": "ES256"}), &claims("read", &json!({})));
    get(&app, &without_key_id).expect(200);
}

#[test]
fn a_token_with_wrong_claims_is_invalid() {
    let issuer = Issuer::new();
    let app = spawn(&issuer);
    for (changes, reason) in [
        (json!({"exp": now() - 120}), "expired"),
        (json!({"exp": 0}), "expired"),
        (json!({"exp": -1}), "expired"),
        (json!({"exp": null}), "must have exp"),
        (json!({"exp": "9999999999"}), "must have exp"),
        (json!({"nbf": now() + 600}), "not valid yet"),
        (json!({"nbf": "0"}), "must be valid"),
        (json!({"aud": null}), "audience"),
        (json!({"aud": "https://other.example"}), "audience"),
        (json!({"aud": []}), "audience"),
        (json!({"aud": 7}), "must be valid"),
        (json!({"iss": null}), "issuer"),
        (json!({"iss": format!("{ISSUER}/")}), "issuer"),
        (json!({"scope": 7}), "must be valid"),
    ] {
        expect_invalid(&app, &issuer.es256(&claims("read", &changes)), reason);
    }
    expect_invalid(&app, &issuer.es256(&json!([1])), "must have exp");
    assert_eq!(get(&app, &issuer.es256(&claims("", &json!({"scope": null})))).status, 403, "no scopes, no rights");
}

#[test]
fn a_token_expires_on_an_open_connection() {
    let issuer = Issuer::new();
    let app = spawn(&issuer);
    // The clocks may differ by a minute.
    let token = issuer.es256(&claims("read", &json!({"exp": now() - 55})));
    let request = format!("GET /orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
    let mut connection = app.connect();
    assert_eq!(connection.send(&request).expect_response().status, 200);
    wait_until("the token to expire", || connection.send(&request).expect_response().status == 401);
    let other = request.replace(&token, &issuer.es256(&claims("read", &json!({}))));
    assert_eq!(connection.send(other).expect_response().status, 200, "another token on the same connection");
    assert_eq!(connection.send(&request).expect_response().status, 401);
}

#[test]
fn a_token_cannot_choose_how_it_is_verified() {
    let issuer = Issuer::new();
    let app = spawn(&issuer);
    let valid = claims("read", &json!({}));
    for alg in ["none", "None", "", "HS256", "RS384", "ES384", "PS256", "rs256"] {
        let message = message(&json!({"alg": alg, "kid": "ec"}), &valid);
        expect_invalid(&app, &format!("{message}."), "RS256 or ES256");
    }
    // The public key as the secret of an HMAC.
    let message_hs256 = message(&json!({"alg": "HS256", "kid": "rsa"}), &valid);
    let secret = hmac::Key::new(hmac::HMAC_SHA256, &issuer.rsa_modulus());
    let signature = encode(hmac::sign(&secret, message_hs256.as_bytes()).as_ref());
    expect_invalid(&app, &format!("{message_hs256}.{signature}"), "RS256 or ES256");
    for (header, reason) in [
        (json!({"alg": "RS256", "kid": "ec"}), "unknown key"),
        (json!({"alg": "ES256", "kid": "rsa"}), "unknown key"),
        (json!({"alg": "ES256", "kid": "none"}), "unknown key"),
        (json!({"alg": "ES256", "kid": "../../ec"}), "unknown key"),
        (json!({"alg": "ES256", "kid": 7}), "malformed"),
        (json!({"alg": "ES256", "kid": "ec", "crit": ["exp"]}), "RS256 or ES256"),
        (json!({"kid": "ec"}), "malformed"),
    ] {
        expect_invalid(&app, &issuer.es256_with(&header, &valid), reason);
    }
    // A key in the header is not used.
    let other = Issuer::new();
    let header = json!({"alg": "ES256", "kid": "ec", "jwk": other.ec_jwk("ec"), "jku": "https://evil.example/"});
    expect_invalid(&app, &other.es256_with(&header, &valid), "signature");
}

#[test]
fn an_altered_or_malformed_token_is_invalid() {
    let issuer = Issuer::new();
    let app = spawn(&issuer);
    let header = json!({"alg": "ES256", "kid": "ec"});
    let valid = issuer.es256_with(&header, &claims("read", &json!({})));
    let (signed, signature) = valid.rsplit_once('.').expect("a signature");
    let more = message(&header, &claims("read admin", &json!({})));
    expect_invalid(&app, &format!("{more}.{signature}"), "signature");
    expect_invalid(&app, &format!("{signed}.{}", encode(&[0; 64])), "signature");
    expect_invalid(&app, &format!("{signed}.{}", encode(&[0xff; 64])), "signature");
    expect_invalid(&app, &format!("{signed}."), "signature");
    expect_invalid(&app, &format!("{signed}.{signature}=="), "malformed");
    for malformed in [".", "..", "a.b", "a.b.c", "....", "e30.e30.", &format!("{signed}.{}", "A".repeat(10_000))] {
        expect_invalid(&app, malformed, "The token");
    }
    let deep = format!("{}{}", "[".repeat(4000), "]".repeat(4000));
    expect_invalid(&app, &format!("{}.e30.x", encode(deep.as_bytes())), "malformed");
    get(&app, &valid).expect(200);
}

#[test]
fn keys_rotate_without_a_restart() {
    let (old, new) = (Issuer::new(), Issuer::new());
    let app = spawn(&old);
    let (old_token, new_token) = (
        old.es256(&claims("read", &json!({}))),
        new.es256_with(&json!({"alg": "ES256", "kid": "2"}), &claims("read", &json!({}))),
    );
    get(&app, &old_token).expect(200);
    expect_invalid(&app, &new_token, "unknown key");
    old.publish(&[old.ec_jwk("ec"), new.ec_jwk("2")]);
    wait_until("the new key to count", || get(&app, &new_token).status == 200);
    get(&app, &old_token).expect(200);
    old.publish(&[new.ec_jwk("2")]);
    wait_until("the old key to count no more", || get(&app, &old_token).status == 401);
    get(&app, &new_token).expect(200);
    let logged = || app.service().log().matches("has become invalid").count();
    for (index, keys) in [vec![], vec![json!({"kty": "oct", "k": "c2VjcmV0"})], vec![Value::Null]].iter().enumerate() {
        old.publish(keys);
        wait_until("the log to say so", || logged() == index + 1);
        get(&app, &new_token).expect(200);
    }
}

#[test]
fn tokens_of_a_file_and_jwts_go_together() {
    let (issuer, file) = (Issuer::new(), TokenFile::new());
    let token = file.add("shop", "read");
    let variables = issuer.variables().into_iter().chain([("API_TOKENS_FILE", file.variable())]);
    let variables: Vec<_> = variables.collect();
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let app = TestApp::spawn_with(&variables);
    get(&app, &token).expect(200);
    get(&app, &issuer.es256(&claims("read", &json!({})))).expect(200);
    expect_invalid(&app, "unknown", "not known");
}

#[test]
fn forged_tokens_do_not_keep_the_service_busy() {
    let issuer = Issuer::new();
    let app = spawn(&issuer);
    let known = issuer.es256(&claims("read", &json!({})));
    get(&app, &known).expect(200);
    let signed = message(&json!({"alg": "ES256", "kid": "ec"}), &claims("read", &json!({})));
    // Each has another signature. Beyond the bound on verifications they are refused without one.
    let mut forged = (0_u32..).map(|number| format!("{signed}.{}", encode(&[number.to_be_bytes(); 16].concat())));
    let is_refused = |token: &String| get(&app, token).status == 503;
    wait_until("the bound to be reached", || {
        let batch: Vec<String> = forged.by_ref().take(64).collect();
        std::thread::scope(|scope| {
            let parts: Vec<_> = batch.chunks(16).map(|part| scope.spawn(|| part.iter().any(is_refused))).collect();
            parts.into_iter().any(|part| part.join().unwrap())
        })
    });
    get(&app, &known).expect(200);
}
