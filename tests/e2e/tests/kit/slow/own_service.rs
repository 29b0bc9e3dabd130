//! docs/OWN-SERVICE.md, followed literally.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use testkit::{MariaDb, Process, TempDir, ports};

use super::source_copy::{SourceCopy, output};
use crate::kit::page::{self, Call};
use crate::walkthrough::without_white_space;
use e2e::{Client, wait_for_within};

/// The tree after the page's build, and the rest of the page.
struct BuiltService {
    source: SourceCopy,
    serve: String,
    calls: Vec<Call>,
}

/// Follows the page up to the command that serves, once for all tests.
fn built() -> &'static BuiltService {
    static BUILT: OnceLock<BuiltService> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut built = BuiltService { source: SourceCopy::new(), serve: String::new(), calls: Vec::new() };
        for block in page::own_service() {
            let is_served = !built.serve.is_empty();
            match (block.mark.as_str(), block.mark.strip_prefix("file ")) {
                ("not run", _) => {}
                ("run", _) if !is_served => each_line(&block.text, |line| drop(built.source.run(line))),
                ("database", _) if !is_served => {
                    each_line(&block.text, |line| run_as_administrator(&built.source, line));
                }
                (_, Some(path)) if !is_served => write(&built.source, path, &block.text),
                ("serve", _) if !is_served => built.serve = block.text.trim().to_owned(),
                ("call", _) if is_served => built.calls.extend(page::calls(&block.text)),
                (mark, _) => panic!("a block {mark:?} has no meaning here: {}", block.text),
            }
        }
        built
    })
}

/// The module that the page builds.
pub(super) fn stock_wasm() -> PathBuf {
    built().source.path().join("target/wasm32-wasip1/release/lowered/stock.wasm")
}

fn each_line(text: &str, run: impl Fn(&str)) {
    text.lines().for_each(run);
}

fn write(source: &SourceCopy, path: &str, text: &str) {
    let path = source.path().join(path);
    assert!(path.parent().is_some_and(|directory| directory.is_dir()), "no directory for {}", path.display());
    fs::write(path, text).expect("a file");
}

/// Runs a command with `mariadb` connected to the tests' server.
fn run_as_administrator(source: &SourceCopy, line: &str) {
    let socket = MariaDb::shared().expect("the shared MariaDB").socket();
    let home = TempDir::new().expect("a directory");
    let options = format!("[client]\nuser=root\nsocket={}\n", socket.display());
    fs::write(home.path().join("my.cnf"), options).expect("a file");
    let mut command = source.shell(line);
    command.env("MYSQL_HOME", home.path()).env("MARIADB_HOME", home.path());
    output(command, line);
}

#[test]
fn the_page_makes_a_service_that_responds_as_the_page_says() {
    let built = built();
    let port = ports::free().expect("a port");
    let database = MariaDb::shared().expect("the shared MariaDB").port();
    let local = |command: &str| command.replace(":8080", &format!(":{port}")).replace(":3306", &format!(":{database}"));
    let dir = TempDir::new().expect("a directory");
    let serve = built.source.shell(&format!("exec {}", local(&built.serve)));
    let service = Process::start(&serve, &dir.path().join("log")).expect("the service starts");
    let client = Client::of_another_service(&format!("http://127.0.0.1:{port}"));
    wait_for_within(Duration::from_secs(60), "the service to be ready", || {
        assert!(service.is_running(), "{}", service.log());
        client.try_send("GET", "/ready", &[], None).ok().filter(|response| response.status == 200)
    });
    assert!(built.calls.len() > 5, "{:?}", built.calls);
    for call in &built.calls {
        check(built.source.shell(&local(&call.command)), call);
    }
}

/// The command must print what the page prints below it, apart from white space.
#[track_caller]
fn check(command: Command, call: &Call) {
    let output = output(command, &call.command);
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(without_white_space(&printed), without_white_space(&call.output), "{}:\n{printed}", call.command);
}
