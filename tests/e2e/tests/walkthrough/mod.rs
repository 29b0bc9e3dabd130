//! README's walkthrough: exactly the commands in README, in their order, with an empty database, and exactly the
//! responses that are printed below them.
//!
//! In README a walkthrough is a fenced block after a line `<!-- walkthrough -->`. A line that begins with `curl` is a
//! command, and the lines below it, up to the next command, are its response. White space between JSON tokens is
//! ignored. A long response may therefore be printed on several lines.

use std::fs;
use std::process::Command;

use testkit::artifacts;

use e2e::TestApp;

/// A command and the response printed below it.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    command: String,
    response: String,
}

/// The steps of all walkthrough blocks in a page.
fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for block in page.split("<!-- walkthrough -->").skip(1) {
        let fenced = block.trim_start();
        assert!(fenced.starts_with("```"), "no fenced block behind the mark: {fenced:.60}");
        for line in fenced.lines().skip(1).take_while(|line| !line.starts_with("```")) {
            let line = line.strip_prefix("$ ").unwrap_or(line);
            if line.starts_with("curl") {
                steps.push(Step { command: line.to_owned(), response: String::new() });
            } else if let Some(step) = steps.last_mut() {
                step.response.push_str(line);
                step.response.push('\n');
            }
        }
    }
    steps
}

/// The text without white space outside of quotes.
pub(crate) fn without_white_space(text: &str) -> String {
    let mut quoted = false;
    let mut escaped = false;
    text.trim()
        .chars()
        .filter(|c| {
            let keep = quoted || !c.is_whitespace();
            if *c == '"' && !escaped {
                quoted = !quoted;
            }
            escaped = *c == '\\' && !escaped;
            keep
        })
        .collect()
}

#[test]
fn readmes_walkthrough_works_command_by_command() {
    let page = fs::read_to_string(artifacts::root().join("README.md")).expect("README.md");
    let steps = steps(&page);
    let app = TestApp::without_tables(&[]);
    for step in &steps {
        assert!(step.command.contains(":8080"), "the reader is on port 8080: {}", step.command);
        let command = step.command.replace(":8080", &format!(":{}", app.service().port()));
        let output =
            Command::new("sh").args(["-c", &command]).current_dir(artifacts::root()).output().expect("sh runs");
        let response = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}: {}", step.command, String::from_utf8_lossy(&output.stderr));
        assert_eq!(
            without_white_space(&response),
            without_white_space(&step.response),
            "the response to `{}` is not the one printed in README",
            step.command
        );
    }
}

#[test]
fn readmes_walkthrough_holds_the_articles_commands() {
    let page = fs::read_to_string(artifacts::root().join("README.md")).expect("README.md");
    let commands: Vec<String> = steps(&page).into_iter().map(|step| step.command.replace(['\'', '"'], "")).collect();
    for wanted in [
        "curl http://localhost:8080/init",
        "curl http://localhost:8080/create_orders -X POST -d @orders.json",
        "curl http://localhost:8080/orders",
        "curl http://localhost:8080/update_order -X POST -d @update_order.json",
        "curl http://localhost:8080/delete_order?id=2",
    ] {
        assert!(commands.iter().any(|command| command == wanted), "{wanted} is not among {commands:#?}");
    }
}

#[test]
fn the_articles_commands_work_as_they_are_typed() {
    let app = TestApp::without_tables(&[]);
    let run = |command: &str| {
        let command = command.replace(":8080", &format!(":{}", app.service().port()));
        let output =
            Command::new("sh").args(["-c", &command]).current_dir(artifacts::root()).output().expect("sh runs");
        assert!(output.status.success(), "{command}");
        without_white_space(&String::from_utf8_lossy(&output.stdout))
    };
    let done = r#"{"status":true}"#;
    assert_eq!(run("curl -s http://localhost:8080/init"), done);
    assert_eq!(run("curl -s http://localhost:8080/create_orders -X POST -d @orders.json"), done);
    let sent = fs::read_to_string(artifacts::root().join("orders.json")).expect("orders.json");
    let sent: serde_json::Value = serde_json::from_str(&sent).expect("JSON");
    let listed: serde_json::Value = serde_json::from_str(&run("curl -s http://localhost:8080/orders")).expect("JSON");
    assert_eq!(listed.as_array().map(Vec::len), Some(5));
    assert_eq!(listed, sent, "the five orders of orders.json come back as they are");
    assert_eq!(run("curl -s http://localhost:8080/update_order -X POST -d @update_order.json"), done);
    assert_eq!(run("curl -s http://localhost:8080/delete_order?id=2"), done);
    let update = fs::read_to_string(artifacts::root().join("update_order.json")).expect("update_order.json");
    let update: serde_json::Value = serde_json::from_str(&update).expect("JSON");
    let listed: serde_json::Value = serde_json::from_str(&run("curl -s http://localhost:8080/orders")).expect("JSON");
    let ids: Vec<u64> = listed.as_array().unwrap().iter().filter_map(|order| order["order_id"].as_u64()).collect();
    assert_eq!(ids, [1, 3, 4, 5]);
    assert_eq!(listed[1], update, "order 3 is the one of update_order.json");
}

#[test]
fn walkthrough_blocks_are_parsed_as_documented() {
    let page = "x\n<!-- walkthrough -->\n```console\ncurl a\n1\n2\n\ncurl b\n```\nno\n<!-- walkthrough -->\n```\n$ curl c\n3\n```\n";
    let step = |command: &str, response: &str| Step { command: command.to_owned(), response: response.to_owned() };
    assert_eq!(steps(page), [step("curl a", "1\n2\n\n"), step("curl b", ""), step("curl c", "3\n")]);
    assert_eq!(without_white_space("[ {\"a b\": \"c \\\" d\",\n  1.50} ]\n"), "[{\"a b\":\"c \\\" d\",1.50}]");
}
