//! Tokens change while the service runs.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use testkit::TempDir;

use e2e::{TestApp, observe_for, wait_until};

use super::token_file::TokenFile;
use super::{ORDER_1, send_with_token};

/// A change is in force within this time; the wait of a test is longer, because the machine may be busy.
const PROMISED: Duration = Duration::from_secs(5);

fn status(app: &TestApp, token: &str) -> u16 {
    send_with_token(app, ("GET", "/orders", None), token).status
}

#[test]
fn tokens_rotate_without_a_restart() {
    let file = TokenFile::new();
    let old = file.add("shop", "read,write");
    let app = TestApp::spawn_with(&[("API_TOKENS_FILE", &file.variable())]);
    let connection = app.new_client();
    assert_eq!(status(&app, &old), 200);
    let old_line = file.read();
    let new = file.add("shop", "read,write");
    let changed = Instant::now();
    wait_until("the new token to be valid", || status(&app, &new) == 200);
    println!("a new token was valid after {:?} (promised: {PROMISED:?})", changed.elapsed());
    assert_eq!(status(&app, &old), 200, "both are valid for a while");
    file.write(&file.read().replace(&old_line, ""));
    wait_until("the old token to be invalid", || status(&app, &old) == 401);
    assert_eq!(status(&app, &new), 200);
    let headers = [("authorization", format!("Bearer {old}"))];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    connection.send("GET", "/orders", &headers, None).expect(401);
}

#[test]
fn an_invalid_file_changes_nothing_and_is_logged_once() {
    let file = TokenFile::new();
    let token = file.add("shop", "read");
    let app = TestApp::spawn_with(&[("API_TOKENS_FILE", &file.variable())]);
    let valid = file.read();
    let logged = || app.service().log().matches("has become invalid").count();
    for (index, invalid) in ["", "nonsense-hunter2\n", &format!("{valid}shop read sha256:hunter2\n")].iter().enumerate()
    {
        file.write(invalid);
        wait_until("the log to say so", || logged() == index + 1);
        assert_eq!(status(&app, &token), 200, "{invalid:?}");
    }
    fs::remove_file(file.path()).expect("the file");
    wait_until("the log to say so", || logged() == 4);
    observe_for(Duration::from_secs(3), "the token to stay valid, in silence", || {
        status(&app, &token) == 200 && logged() == 4
    });
    assert!(!app.service().log().contains("hunter2"), "{}", app.service().log());
    file.write(&valid);
    let second = file.add("second", "read");
    wait_until("the valid file to be in force", || status(&app, &second) == 200);
}

#[test]
fn a_change_of_scopes_is_in_force() {
    let file = TokenFile::new();
    let token = file.add("shop", "read,write");
    let app = TestApp::spawn_with(&[("API_TOKENS_FILE", &file.variable())]);
    send_with_token(&app, ("POST", "/create_order", Some(ORDER_1)), &token).expect_done();
    file.write(&file.read().replace("read,write", "read"));
    wait_until("the scope to be gone", || send_with_token(&app, ("DELETE", "/orders/9", None), &token).status == 403);
    assert_eq!(status(&app, &token), 200);
}

/// Kubernetes replaces a mounted secret by changing where a symbolic link leads.
#[test]
fn a_replaced_symbolic_link_is_followed() {
    let (file, dir) = (TokenFile::new(), TempDir::new().expect("a directory"));
    let path = |name: &str| dir.path().join(name);
    let old = file.add("shop", "read");
    let publish = |version: &str| {
        fs::create_dir(path(version)).expect("a directory");
        fs::copy(file.path(), path(version).join("tokens")).expect("a copy");
        symlink(version, path("next")).expect("a link");
        fs::rename(path("next"), path("..data")).expect("the link");
    };
    publish("..2026_1");
    symlink("..data/tokens", path("tokens")).expect("a link");
    let app = TestApp::spawn_with(&[("API_TOKENS_FILE", &path("tokens").display().to_string())]);
    assert_eq!(status(&app, &old), 200);
    file.write("");
    let new = file.add("shop", "read");
    publish("..2026_2");
    wait_until("the new token to be valid", || status(&app, &new) == 200);
    assert_eq!(status(&app, &old), 401);
}
