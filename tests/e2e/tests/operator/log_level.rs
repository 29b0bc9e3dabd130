//! The log's level, changed while the service runs.

use std::thread;
use std::time::Duration;

use e2e::wait_until;
use serde_json::{Value, json};

use super::Observed;

/// A service with this level, in which half a head soon ends its connection.
fn spawn(level: &str) -> Observed {
    Observed::spawn(&[("LOG_LEVEL", level), ("HEADER_TIMEOUT", "50ms")])
}

impl Observed {
    fn level(&self) -> Value {
        self.operator.get("/log_level").expect(200).json()
    }

    /// A line of the level `debug`.
    fn cause_debug_line(&self) {
        let mut connection = self.app.connect();
        connection.send("GET / HTTP/1.1\r\nHost:");
        connection.expect_close_within(Duration::from_secs(5));
    }

    fn debug_lines(&self) -> usize {
        self.app.service().log().matches("a connection ended early").count()
    }
}

#[test]
fn the_level_changes_in_both_directions() {
    let operated = spawn("info");
    assert_eq!(operated.level(), json!({"level": "info", "configured": "info"}));
    operated.cause_debug_line();
    let requests = || operated.app.service().log().matches("\"request\"").count();
    let before = requests();
    operated.app.get("/orders/1").expect(404);
    // Lines keep their order.
    wait_until("a later line", || requests() > before);
    assert_eq!(operated.debug_lines(), 0);
    let changed = operated.operator.put("/log_level", r#"{"level":"debug"}"#).expect(200).json();
    assert_eq!(changed, json!({"level": "debug", "configured": "info"}));
    operated.cause_debug_line();
    wait_until("a debug line", || operated.debug_lines() == 1);
    operated.operator.put("/log_level", r#"{"level":"error"}"#).expect(200);
    let changes = || operated.app.service().log().matches("the log's level was changed").count();
    wait_until("a line of each change", || changes() == 2);
    let before = requests();
    operated.app.get("/orders/1").expect(404);
    operated.cause_debug_line();
    operated.operator.put("/log_level", r#"{"level":"warn"}"#).expect(200);
    wait_until("a later line", || changes() == 3);
    assert_eq!((requests(), operated.debug_lines()), (before, 1));
}

#[test]
fn a_level_for_some_time_ends_by_itself() {
    let operated = spawn("warn");
    operated.operator.put("/log_level", r#"{"level":"debug","for":"300ms"}"#).expect(200);
    assert_eq!(operated.level()["level"], "debug");
    wait_until("the configured level", || operated.level() == json!({"level": "warn", "configured": "warn"}));
    // A newer change holds, also when an older one's time is over.
    operated.operator.put("/log_level", r#"{"level":"debug","for":"300ms"}"#).expect(200);
    operated.operator.put("/log_level", r#"{"level":"info"}"#).expect(200);
    thread::sleep(Duration::from_millis(600));
    assert_eq!(operated.level()["level"], "info");
}

#[test]
fn wrong_changes_are_explained() {
    let operated = spawn("info");
    for (body, reason) in [
        (r#"{"level":"trace"}"#, "must be error, warn, info or debug"),
        (r#"{"level":"debug","for":"soon"}"#, "must be a duration"),
        (r#"{"level":"debug","for":"0s"}"#, "longer than zero"),
        (r#"{"level":"debug","until":"1s"}"#, "until"),
        ("debug", "expected"),
        ("{}", "level"),
    ] {
        let response = operated.operator.put("/log_level", body);
        let problem = response.expect_problem(400, "invalid-json");
        assert!(problem.detail.contains(reason), "{body}: {}", problem.detail);
    }
    assert_eq!(operated.level()["level"], "info");
    // Not on the public listener.
    operated.app.get("/log_level").expect(404);
}

#[test]
fn probes_and_scrapes_are_lines_of_the_level_debug() {
    let operated = spawn("info");
    let probe = || {
        for path in ["/health", "/ready"] {
            operated.app.get(path).expect(200);
            operated.operator.get(path).expect(200);
        }
        operated.operator.get("/metrics").expect(200);
    };
    let lines = |path: &str| operated.app.service().log().matches(&format!("\"path\":\"{path}\"")).count();
    operated.app.get("/orders/0").expect(404);
    wait_until("the lines of the start", || lines("/orders/0") == 1);
    // At the start it was not ready: failed probes are lines of the level `info`.
    let failed = lines("/ready");
    probe();
    operated.app.get("/orders/1").expect(404);
    operated.operator.get("/nowhere").expect(404);
    wait_until("the lines of the others", || (lines("/orders/1"), lines("/nowhere")) == (1, 1));
    assert_eq!((lines("/health"), lines("/ready"), lines("/metrics")), (0, failed, 0));
    operated.operator.put("/log_level", r#"{"level":"debug"}"#).expect(200);
    probe();
    wait_until("the lines of the probes", || (lines("/health"), lines("/metrics")) == (2, 1));
}
