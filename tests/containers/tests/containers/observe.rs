//! Compose's profile `observe`: a real Prometheus finds and scrapes each replica, with a token where one is needed.

use std::fs;
use std::time::Duration;

use testkit::{artifacts, prometheus};

use crate::support::{Project, client, docker};
use crate::tokens::Tokens;

/// `PROMETHEUS_PORT`.
const PROMETHEUS: &str = "http://127.0.0.1:9091";

/// Prometheus looks the replicas up and scrapes them every 5 s.
const TIMEOUT: Duration = Duration::from_secs(60);

const UP: &str = r#"up{job="order-service"}"#;

fn start(project: &Project<'_>) {
    project.compose(&["--profile", "observe", "up", "--detach", "--no-build", "--scale", "orders=2"]);
    project.wait_until_ready(&format!("{PROMETHEUS}/-/ready"));
}

#[test]
fn prometheus_finds_the_replicas_and_loads_the_rules() {
    let docker = docker();
    let project = docker.project().env("PORT", "8080-8089");
    start(&project);
    // The engine chooses the replica's port out of PORT.
    let address = project.compose(&["port", "--index", "1", "orders", "8080"]);
    let service = client(&format!("http://{}", address.trim()));
    let prometheus = client(PROMETHEUS);
    let values = |query: &str| prometheus::values(&prometheus, query).unwrap_or_default();
    project.wait_until("two replicas in Prometheus", TIMEOUT, || values(UP) == [1.0, 1.0]);
    service.get("/init").and_then(|response| response.require_status(200)).unwrap();
    let orders = fs::read(artifacts::root().join("orders.json")).unwrap();
    service.post("/create_orders", orders).and_then(|response| response.require_status(200)).unwrap();
    let written = r#"sum(http_server_request_duration_seconds_count{http_route="/create_orders"})"#;
    project.wait_until("the request in Prometheus", TIMEOUT, || values(written) == [1.0]);
    assert_eq!(values(r#"count(build_info{execution="compiled"})"#), [2.0]);
    project.wait_until("the recording rules", TIMEOUT, || values("job:http_server_requests:rate5m").len() == 1);
    let rules = prometheus.get("/api/v1/rules?type=alert").unwrap().text();
    assert!(rules.contains("OrderServiceErrorsFast") && !rules.contains(r#""health":"err""#), "{rules}");
}

#[test]
fn prometheus_scrapes_with_its_token_where_one_is_needed() {
    let docker = docker();
    let tokens = Tokens::new(&docker);
    let project = || {
        let directory = tokens.directory().display().to_string().leak();
        docker.project().file("deploy/compose/tokens.yml").env("PORT", "8080-8089").env("TOKENS_DIR", directory)
    };
    let prometheus = client(PROMETHEUS);
    let values = |query: &str| prometheus::values(&prometheus, query).unwrap_or_default();
    let without = project();
    start(&without);
    without.wait_until("rejected scrapes", TIMEOUT, || values(UP) == [0.0, 0.0]);
    drop(without);
    let file = tokens.operator_file().display().to_string().leak();
    let with = project().env("PROMETHEUS_TOKEN_FILE", file);
    start(&with);
    with.wait_until("scrapes with the token", TIMEOUT, || values(UP) == [1.0, 1.0]);
}
