//! A real Prometheus scrapes the service; the rules, the alerts and the dashboard work with what it has.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use e2e::order;
use serde_json::Value;
use testkit::prometheus::{self, Prometheus, RULES, promtool};
use testkit::{TempDir, artifacts, wait_until};

use super::Observed;

const DASHBOARD: &str = "deploy/grafana/order-service.json";

/// Two scrapes, and an evaluation of the rules after them.
const TIMEOUT: Duration = Duration::from_secs(30);

#[test]
fn promtool_finds_nothing_wrong_with_the_metrics() {
    let observed = Observed::spawn(&[]);
    observed.app.post("/orders", order(1)).expect(201);
    observed.app.get("/orders?limit=0").expect(400);
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("metrics");
    fs::write(&file, &observed.operator.get("/metrics").expect(200).body).unwrap();
    promtool(&["check", "metrics"], &file).unwrap();
    // The check can fail.
    fs::write(&file, "without_a_description 1\n").unwrap();
    assert!(promtool(&["check", "metrics"], &file).is_err());
}

#[test]
fn the_alerts_fire_where_they_must() {
    let nothing = Path::new("/dev/null");
    promtool(&["check", "rules", "--lint=all", "--lint-fatal", RULES], nothing).unwrap();
    promtool(&["test", "rules", "deploy/prometheus/rules_test.yml"], nothing).unwrap();
    let tests = fs::read_to_string(artifacts::root().join("deploy/prometheus/rules_test.yml")).unwrap();
    for alert in alerts() {
        let cases: Vec<&str> = tests.split("      - eval_time: ").filter(|case| case.contains(&alert)).collect();
        let (silent, firing): (Vec<_>, Vec<_>) = cases.into_iter().partition(|case| case.contains("exp_alerts: []"));
        assert!(!silent.is_empty() && !firing.is_empty(), "{alert} has {} and {} cases", silent.len(), firing.len());
    }
}

#[test]
fn the_page_says_what_to_do_for_each_alert() {
    let page = fs::read_to_string(artifacts::root().join("docs/OPERATIONS.md")).unwrap();
    let section = page.split("\n## Alerts\n").nth(1).expect("a section").split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let explained: BTreeSet<String> = rows.map(|(alert, _)| alert.to_owned()).collect();
    assert_eq!(explained, alerts());
}

/// The tests of the rules are about series that there are: each name and label occurs in a scrape.
#[test]
fn the_rules_are_tested_with_the_services_own_series() {
    let observed = Observed::spawn(&[]);
    observed.app.post("/orders", order(1)).expect(201);
    let scraped = observed.operator.get("/metrics").expect(200).text();
    let tests = fs::read_to_string(artifacts::root().join("deploy/prometheus/rules_test.yml")).unwrap();
    let series = tests.lines().filter_map(|line| line.split_once("- {series: '")?.1.split_once("', values"));
    let mut checked = 0;
    for (series, _) in series.filter(|(series, _)| !series.starts_with("up{")) {
        let (name, labels) = series.trim_end_matches('}').split_once('{').unwrap();
        let start = format!("{name}{{");
        let line = scraped.lines().find(|line| line.starts_with(&start) || line.starts_with(&format!("{name} ")));
        let line = line.unwrap_or_else(|| panic!("{name} is not in a scrape"));
        for label in labels.split(", ").map(|pair| pair.split('=').next().unwrap()) {
            let is_prometheus_own = ["namespace", "job", "instance"].contains(&label);
            assert!(is_prometheus_own || line.contains(&format!("{label}=\"")), "{label} is not in {line}");
        }
        checked += 1;
    }
    assert!(checked > 20, "{checked} series");
}

/// The names in the rules.
fn alerts() -> BTreeSet<String> {
    let rules = fs::read_to_string(artifacts::root().join(RULES)).unwrap();
    let alerts: BTreeSet<_> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ").map(str::to_owned)).collect();
    assert!(alerts.len() > 10, "{alerts:?}");
    alerts
}

/// Each query of the dashboard and each recording rule has data from two replicas with traffic, and no alert fires.
#[test]
fn each_query_of_the_dashboard_has_data() {
    let replicas = [Observed::spawn(&[]), Observed::spawn(&[("RATE_LIMIT_PER_ADDRESS", "40/1h")])];
    let targets = replicas.each_ref().map(|observed| observed.operator.base().replace("http://", ""));
    let prometheus = Prometheus::start(&targets).unwrap();
    let up = || prometheus::values(prometheus.client(), "up").is_ok_and(|values| values == [1.0, 1.0]);
    wait_until("both replicas", TIMEOUT, up).unwrap_or_else(|error| panic!("{error:#}\n{}", prometheus.log()));

    let queries = dashboard_queries();
    assert!(queries.len() > 40, "{} queries", queries.len());
    let recorded = recording_rules();
    let expected = || queries.iter().chain(&recorded);
    let mut id = 0;
    let missing = || expected().filter(|query| !has_data(&prometheus, query)).cloned().collect::<Vec<_>>();
    let complete = || {
        for observed in &replicas {
            id += 1;
            observed.app.post("/orders", order(id));
            observed.app.get("/orders/1");
            observed.app.get("/nowhere");
        }
        missing().is_empty()
    };
    let found = wait_until("data for each query", TIMEOUT, complete);
    assert!(found.is_ok(), "without data: {:#?}\n{}", missing(), prometheus.log());

    let firing = prometheus::query(prometheus.client(), "ALERTS{alertstate=\"firing\"}").unwrap();
    assert!(firing.is_empty(), "{firing:#?}");
    let [first, second] = replicas.each_ref().map(|observed| {
        let instance = observed.operator.base().replace("http://", "");
        let count = format!("sum(http_server_request_duration_seconds_count{{instance=\"{instance}\"}})");
        prometheus::values(prometheus.client(), &count).unwrap()
    });
    assert!(first.iter().chain(&second).all(|count| *count >= 3.0), "{first:?} {second:?}");
    assert_eq!(prometheus.log(), "", "Prometheus complains");
}

/// A series with a number; a quantile without an observation is none.
fn has_data(prometheus: &Prometheus, query: &str) -> bool {
    prometheus::values(prometheus.client(), query).unwrap().iter().any(|value| value.is_finite())
}

/// What the dashboard asks, as Grafana asks it for all replicas.
fn dashboard_queries() -> Vec<String> {
    let text = fs::read_to_string(artifacts::root().join(DASHBOARD)).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let queries = targets.map(|target| {
        let query = target["expr"].as_str().expect("a query");
        query.replace("$__rate_interval", "10s").replace("$namespace", ".*").replace("$instance", ".*")
    });
    queries.inspect(|query| assert!(!query.contains('$'), "a variable that Grafana does not know: {query}")).collect()
}

/// The names that the recording rules write.
fn recording_rules() -> Vec<String> {
    let rules = fs::read_to_string(artifacts::root().join(RULES)).unwrap();
    rules.lines().filter_map(|line| line.trim().strip_prefix("- record: ").map(str::to_owned)).collect()
}
