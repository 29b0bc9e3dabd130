//! The operator's listener: open, until there is a token for it.

use std::time::Duration;

use testkit::ports;

use e2e::{Client, TestApp, wait_until};

use super::token_file::TokenFile;

fn spawn(file: &TokenFile) -> (TestApp, Client) {
    let port = ports::free().expect("a free port");
    let admin = format!("127.0.0.1:{port}");
    let env = [("ADMIN_ADDR", admin.as_str()), ("DRAIN_DELAY", "0s"), ("API_TOKENS_FILE", &file.variable())];
    let app = TestApp::spawn_with(&env);
    (app, Client::operators(&format!("http://{admin}")))
}

fn drain(operator: &Client, method: &str, token: &str) -> u16 {
    operator.send(method, "/drain", &[("authorization", &format!("Bearer {token}"))], None).status
}

#[test]
fn with_an_operator_s_token_a_drain_needs_it() {
    let file = TokenFile::new();
    let (shop, operator_token) = (file.add("shop", "read,write,admin"), file.add("ops", "operator"));
    let (app, operator) = spawn(&file);
    for method in ["GET", "POST"] {
        operator.send(method, "/drain", &[], None).expect_problem(401, "token-required");
        assert_eq!(drain(&operator, method, &shop), 403, "{method}");
        assert_eq!(drain(&operator, method, "unknown"), 401, "{method}");
    }
    for path in ["/health", "/ready"] {
        operator.get(path).expect(200);
    }
    app.send("GET", "/orders", &[("authorization", &format!("Bearer {operator_token}"))], None).expect(403);
    assert_eq!(drain(&operator, "GET", &operator_token), 200);
    let status = app.service().wait(Duration::from_secs(20)).unwrap();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn without_an_operator_s_token_a_drain_needs_none() {
    let file = TokenFile::new();
    file.add("shop", "read,write,admin");
    let (app, operator) = spawn(&file);
    operator.send("POST", "/drain", &[], None).expect(200);
    app.service().wait(Duration::from_secs(20)).unwrap();
}

#[test]
fn an_operator_s_token_that_is_added_later_counts() {
    let file = TokenFile::new();
    file.add("shop", "read");
    let (_app, operator) = spawn(&file);
    assert_eq!(operator.head("/drain").status, 200);
    file.add("ops", "operator");
    wait_until("the listener to be closed", || operator.head("/drain").status == 401);
}
