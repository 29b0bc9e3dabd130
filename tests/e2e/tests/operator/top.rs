//! `make top`: the figures of all replicas, and what keeps one from answering.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use e2e::order;
use testkit::{TempDir, ports};

use super::{Observed, tool};

/// What it prints after a second, while `traffic` goes on.
fn top(mut command: Command, addresses: &[&str], traffic: impl Fn() + Sync) -> String {
    command.arg("--once").args(addresses).stdin(Stdio::null());
    let ended = AtomicBool::new(false);
    let output = thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                traffic();
                thread::sleep(Duration::from_millis(5));
            }
        });
        let output = command.output().unwrap();
        ended.store(true, Ordering::Relaxed);
        output
    });
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(!text.contains('\x1b'), "this is no terminal: {text:?}");
    println!("{text}");
    text
}

/// The program in another directory, where it finds no token.
fn in_directory(dir: &TempDir) -> Command {
    let mut command = tool("top");
    command.current_dir(dir.path()).env_remove("OPERATOR_TOKEN_FILE");
    command
}

/// The cells of the row that begins with this.
fn row(text: &str, name: &str) -> Vec<String> {
    let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no row {name} in {text}"));
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
}

#[test]
fn each_replica_has_a_row_and_each_busy_route() {
    let replicas = [Observed::spawn(&[]), Observed::spawn(&[("MAX_IN_FLIGHT", "17")])];
    let addresses = replicas.each_ref().map(|observed| observed.operator.base().replace("http://", ""));
    replicas.iter().for_each(|observed| drop(observed.app.post("/orders", order(1)).expect(201)));
    let listed = addresses.each_ref().map(String::as_str);
    let text = top(tool("top"), &listed, || replicas.iter().for_each(|observed| drop(observed.app.get("/orders/1"))));
    assert!(text.starts_with("order-service ") && text.contains(", 2 replicas\n"), "{text}");
    let number = |cell: &str| cell.parse::<f64>().unwrap_or_else(|_| panic!("{cell} is no number"));
    let rates: Vec<f64> = addresses.iter().map(|address| number(&row(&text, address)[1])).collect();
    assert!(rates.iter().all(|rate| *rate > 5.0), "{rates:?}");
    let sum = number(&row(&text, "all ")[1]);
    assert!((sum - rates.iter().sum::<f64>()).abs() <= 2.0, "{sum} of {rates:?}");
    let second = row(&text, &addresses[1]);
    assert!(second[2].ends_with(" ms") && second[3].ends_with(" ms"), "{second:?}");
    assert!(second[6].ends_with("/17"), "in flight: {second:?}");
    assert!(second.last().unwrap().ends_with(" s"), "{second:?}");
    let route = row(&text, "GET /orders/{id}");
    assert!((number(&route[1]) - sum).abs() <= 2.0, "{route:?}");
}

#[test]
fn a_replica_that_does_not_answer_is_named_with_the_reason() {
    let dir = TempDir::new().unwrap();
    let observed = Observed::spawn(&[]);
    let address = observed.operator.base().replace("http://", "");
    let away = format!("127.0.0.1:{}", ports::free().unwrap());
    let text = top(in_directory(&dir), &[&address, &away], || {});
    assert!(row(&text, &address).len() > 10, "{text}");
    assert!(text.lines().any(|line| line.starts_with(&format!("{away}: no answer"))), "{text}");
}

#[test]
fn a_token_is_taken_from_its_file() {
    let file = crate::access::token_file::TokenFile::new();
    let token = file.add("operations", "operator");
    let observed = Observed::spawn(&[("API_TOKENS_FILE", &file.variable())]);
    let address = observed.operator.base().replace("http://", "");
    let dir = TempDir::new().unwrap();
    let own = dir.path().join("token");
    std::fs::write(&own, format!("{token}\n")).unwrap();
    let without = top(in_directory(&dir), &[&address], || {});
    assert!(without.contains("needs an operator's token"), "{without}");
    let mut command = tool("top");
    command.env("OPERATOR_TOKEN_FILE", &own);
    let with = top(command, &[&address], || {});
    assert!(row(&with, &address).len() > 10, "{with}");
}

#[test]
fn an_address_without_a_port_is_one_line() {
    let output = tool("top").args(["--once", "replica"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let line = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(line, "make top: replica is no address with a port, such as 127.0.0.1:9090\n");
}
