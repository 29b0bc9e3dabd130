//! No secret that a client or the configuration has is in a log, an error or any other response.

use std::sync::Arc;

use serde_json::json;
use testkit::{MariaDb, ports};

use e2e::{Client, Response, TestApp, wait_until};

use super::issuer::{Issuer, claims};
use super::token_file::TokenFile;
use super::{ORDER_1, WRITES, send_with_token};

/// The password in the service's database URL.
const DATABASE_PASSWORD: &str = "the-database-s-password-0815";

#[test]
fn no_secret_is_in_a_log_or_a_response() {
    let (file, issuer) = (TokenFile::new(), Issuer::new());
    let (all, reader) = (file.add("all", "read,write,admin,operator"), file.add("reader", "read"));
    let hashes: Vec<String> =
        file.read().lines().filter_map(|line| Some(line.split_once("sha256:")?.1.to_owned())).collect();
    let jwt = issuer.es256(&claims("read write", &json!({})));
    let expired = issuer.es256(&claims("read", &json!({"exp": 1})));
    let (unknown, password) = ("ost_an-unknown-token-that-nobody-has", "Basic c2hvcDpodW50ZXIy");
    let admin = format!("127.0.0.1:{}", ports::free().expect("a free port"));
    let mut variables: Vec<_> = issuer.variables().into_iter().collect();
    variables.extend([("API_TOKENS_FILE", file.variable()), ("ADMIN_ADDR", admin.clone())]);
    variables.extend([("LOG_LEVEL", "debug".to_owned()), ("RATE_LIMIT_PER_TOKEN", "500/1h".to_owned())]);
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let server = MariaDb::builder().root_password(DATABASE_PASSWORD).start().expect("a server with a password");
    let server = Arc::new(server);
    let app = TestApp::setup().server(&server).env(&variables).start();
    let operator = Client::operators(&format!("http://{admin}"));
    let mut responses = Vec::new();
    for token in [all.as_str(), &reader, &jwt, &expired, unknown] {
        for call in WRITES.into_iter().chain([("GET", "/orders", None), ("GET", "/init?reset=true", None)]) {
            responses.push(send_with_token(&app, call, token));
        }
        responses.push(send_with_token(&app, ("POST", "/create_order", Some(ORDER_1)), token));
        let authorization = format!("Bearer {token}");
        let both = [("authorization", authorization.as_str()), ("authorization", password)];
        responses.push(app.send("GET", "/orders", &both, None));
        responses.push(app.send("GET", "/orders", &[("authorization", &format!("Token {token}"))], None));
        let metrics = operator.send("GET", "/metrics", &both[..1], None);
        responses.push(if token == all { metrics.expect(200) } else { metrics });
        responses.push(operator.send("HEAD", "/drain", &both[..1], None));
    }
    responses.push(app.send("GET", "/orders", &[("authorization", password)], None));
    // A file that becomes invalid is reported without its content.
    file.write(&format!("{}{all} read\n", file.read()));
    wait_until("the log to say so", || app.service().log().contains("has become invalid"));
    app.get("/orders").expect(401);
    // Errors of the database, which name the account and the server.
    responses.extend(errors_of_the_database(&app, &server, &all));
    let log = app.service().log();
    let mut secrets = vec![all.as_str(), &reader, unknown, "c2hvcDpodW50ZXIy", DATABASE_PASSWORD];
    secrets.extend([&jwt, &expired].into_iter().filter_map(|token| token.rsplit('.').next()));
    secrets.extend(hashes.iter().map(String::as_str));
    for secret in secrets {
        assert!(!log.contains(secret), "the log has {secret}:\n{log}");
        for response in &responses {
            assert!(!response.text().contains(secret), "{secret}: {}", response.summary());
            for (name, value) in &response.headers {
                assert!(!String::from_utf8_lossy(value.as_bytes()).contains(secret), "{name}: {secret}");
            }
        }
    }
}

/// Responses while the account has another password, and while the server is away.
fn errors_of_the_database(app: &TestApp, server: &MariaDb, token: &str) -> Vec<Response> {
    let call = || send_with_token(app, ("GET", "/orders/1", None), token);
    let mut responses = Vec::new();
    let mut expect_unavailable = |cause: &str| {
        wait_until("an error of the database", || {
            responses.push(call());
            responses.last().is_some_and(|response| response.status == 503)
        });
        wait_until(cause, || app.service().log().contains(cause));
    };
    server.sql("", "ALTER USER 'root'@'127.0.0.1' IDENTIFIED BY 'another'").expect("another password");
    let sessions = format!(
        "SELECT COALESCE(GROUP_CONCAT('KILL ', id SEPARATOR ';'), 'DO 0')
         FROM information_schema.processlist WHERE db = '{}'",
        app.database()
    );
    let kill = server.sql("", &sessions).expect("the sessions");
    server.sql("", kill.trim()).expect("the sessions end");
    expect_unavailable("Access denied");
    server.stop().expect("the server stops");
    expect_unavailable("the database is not available");
    responses
}
