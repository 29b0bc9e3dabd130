//! People at the pages in Debian's Chromium, with the service's `.wasm` in WasmEdge and a real MariaDB.
//!
//! What the people do is in `tools/browser/browser.mjs`, a scenario for each test. `PICTURES` names a directory for
//! pictures of the main states.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it saw"
)]

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};

use e2e::{Client, TestApp};
use testkit::engine::run;
use testkit::{MariaDb, TempDir, artifacts, ports};

/// The directory of the modules that drive the browser. `scripts/browser-tools.sh` installs them where they are not
/// there yet.
fn modules() -> &'static str {
    static DIRECTORY: OnceLock<String> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let script = artifacts::root().join("scripts/browser-tools.sh");
        run(&mut Command::new(script)).unwrap().trim().to_owned()
    })
}

/// Plays a scenario at this URL. `answer` does what the scenario asks for, and answers with a line.
#[track_caller]
fn play(scenario: &str, url: &str, mut answer: impl FnMut(&str) -> String) {
    let mut command = Command::new("node");
    command.arg(artifacts::root().join("tools/browser/browser.mjs")).args([scenario, url]);
    command.args(env::var("PICTURES").ok()).env("BROWSER_TOOLS", modules());
    let mut node = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("node");
    let mut input = node.stdin.take().expect("its input");
    for line in BufReader::new(node.stdout.take().expect("its output")).lines() {
        let line = line.expect("a line");
        match line.strip_prefix("ask ") {
            Some(what) => writeln!(input, "{}", answer(what)).expect("it reads the answer"),
            None => println!("{line}"),
        }
    }
    let status = node.wait().expect("its end");
    assert!(status.success(), "{scenario} failed: {status}; its reason is above");
}

/// Plays a scenario that asks for nothing, at a service of its own.
#[track_caller]
fn play_alone(scenario: &str) {
    let app = TestApp::spawn();
    play(scenario, app.base(), |what| panic!("{scenario} asks for {what}"));
    assert!(app.service().is_running());
}

#[test]
fn orders_are_created_changed_found_deleted_and_restored_by_hand() {
    play_alone("walkthrough");
}

#[test]
fn wrong_input_is_marked_where_it_is() {
    play_alone("wrong_input");
}

#[test]
fn a_double_click_and_a_lost_response_write_once() {
    play_alone("written_once");
}

#[test]
fn two_people_who_change_one_order_settle_it_field_by_field() {
    play_alone("conflict");
}

#[test]
fn the_keyboard_suffices() {
    play_alone("keyboard");
}

#[test]
fn a_phone_in_german_in_the_dark() {
    play_alone("phone");
}

#[test]
fn a_zoom_of_200_percent() {
    play_alone("zoom");
}

#[test]
fn a_file_is_imported_and_its_faulty_orders_are_named() {
    play_alone("import_file");
}

#[test]
fn the_description_can_be_read() {
    play_alone("docs");
}

#[test]
fn the_database_away_and_back() {
    let server = Arc::new(MariaDb::start().unwrap());
    let app = TestApp::setup().server(&server).start();
    play("database_away", app.base(), |what| {
        match what {
            "away" => server.stop().unwrap(),
            _ => server.start_again().unwrap(),
        }
        String::new()
    });
}

#[test]
fn a_hundred_thousand_orders_scroll_to_the_last_one() {
    let app = TestApp::spawn();
    app.sql(
        "INSERT INTO orders (order_id, product_id, quantity, amount, shipping, tax, shipping_address) \
         SELECT seq, seq % 97 + 1, seq % 9 + 1, seq % 50000 + 0.37, 4.99, 0.01 * (seq % 100), CONCAT(seq, ' Quay') \
         FROM seq_1_to_100000",
    );
    let total = app.sql("SELECT FORMAT(SUM(amount + shipping + tax), 2) FROM orders");
    play("many_orders", app.base(), |_| format!("100,000 orders shown, total {total}"));
}

#[test]
fn a_token_is_asked_for_and_its_scopes_are_told() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("tokens");
    let token = |name: &str, scopes: &str| {
        let script = artifacts::root().join("scripts/new-token.sh");
        run(Command::new(script).args([name, scopes]).arg(&file)).unwrap().trim().to_owned()
    };
    let (reader, writer) = (token("reader", "read"), token("writer", "read,write"));
    let app = TestApp::spawn_with(&[("API_TOKENS_FILE", &file.display().to_string())]);
    play("token", app.base(), |_| format!(r#"{{"reader":"{reader}","writer":"{writer}"}}"#));
}

#[test]
fn the_operator_sees_the_figures_and_drains() {
    let address = format!("127.0.0.1:{}", ports::free().unwrap());
    let app = TestApp::spawn_with(&[("ADMIN_ADDR", &address)]);
    let operator = Client::operators(&format!("http://{address}"));
    play("operator", &format!("http://{address}"), |what| {
        match what {
            "load" => (0..2_000).for_each(|_| drop(app.get("/orders?limit=1").expect(200))),
            _ => assert_eq!(operator.get("/log_level").text(), r#"{"configured":"info","level":"debug"}"#),
        }
        String::new()
    });
}

#[test]
fn without_the_pages_nobody_reaches_them() {
    let address = format!("127.0.0.1:{}", ports::free().unwrap());
    let app = TestApp::spawn_with(&[("UI", "false"), ("ADMIN_ADDR", &address)]);
    let operator = Client::operators(&format!("http://{address}"));
    for client in [&*app, &operator] {
        for path in ["/ui", "/ui/", "/ui/index.html", "/ui/kit.css", "/docs"] {
            client.get(path).expect_problem(404, "not-found");
        }
        client.get("/openapi.json").expect(200);
    }
}

#[test]
fn pictures_of_the_main_states() {
    play_alone("pictures");
}
