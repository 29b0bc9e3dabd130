//! `GET /metrics`: true figures, a bounded number of series, and a page that explains each.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use testkit::artifacts;

use e2e::{RawConnection, TestApp, order, orders, wait_until};

use super::Observed;

const ACCEPT_OPENMETRICS: (&str, &str) = ("accept", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5");

impl Observed {
    fn scrape(&self) -> Metrics {
        let response = self.operator.send("GET", "/metrics", &[ACCEPT_OPENMETRICS], None).expect(200);
        assert_eq!(
            response.header("content-type"),
            Some("application/openmetrics-text; version=1.0.0; charset=utf-8"),
            "{}",
            response.summary()
        );
        Metrics::parse(&response.text())
    }
}

/// The samples of a scrape, by name and labels, and the families.
struct Metrics {
    text: String,
    families: BTreeMap<String, String>,
    samples: BTreeMap<String, f64>,
}

impl Metrics {
    /// Fails where the text is not what OpenMetrics allows: a sample without a family, a family without a description,
    /// anything after the mark at the end.
    fn parse(text: &str) -> Self {
        let (mut families, mut samples, mut described) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        let body = text.strip_suffix("# EOF\n").unwrap_or_else(|| panic!("no mark at the end:\n{text}"));
        for line in body.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap();
                assert!(!help.is_empty() && described.insert(name.to_owned()), "{line}");
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert!(families.insert(name.to_owned(), kind.to_owned()).is_none(), "twice: {line}");
            } else if let Some(rest) = line.strip_prefix("# UNIT ") {
                let (name, unit) = rest.split_once(' ').unwrap();
                assert!(name.ends_with(&format!("_{unit}")), "{line}");
            } else {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let name = series.split('{').next().unwrap();
                let suffixes = ["", "_total", "_info", "_bucket", "_sum", "_count"];
                let family = suffixes.iter().find_map(|suffix| {
                    let family = name.strip_suffix(suffix)?;
                    families.contains_key(family).then_some(family)
                });
                assert!(family.is_some_and(|family| described.contains(family)), "no family: {line}");
                assert!(samples.insert(series.to_owned(), value.parse().unwrap()).is_none(), "twice: {line}");
            }
        }
        Self { text: text.to_owned(), families, samples }
    }

    fn value(&self, series: &str) -> f64 {
        *self.samples.get(series).unwrap_or_else(|| panic!("no {series} in\n{}", self.text))
    }

    /// The number of requests to a route.
    fn requests(&self, method: &str, route: &str, class: &str) -> f64 {
        let labels =
            format!("http_request_method=\"{method}\",http_route=\"{route}\",http_response_status_class=\"{class}\"");
        let series = format!("http_server_request_duration_seconds_count{{{labels}}}");
        self.samples.get(&series).copied().unwrap_or_default()
    }

    /// The names as queries have them.
    fn names(&self) -> BTreeSet<String> {
        let name = |(name, kind): (&String, &String)| match kind.as_str() {
            "counter" => format!("{name}_total"),
            "info" => format!("{name}_info"),
            _ => name.clone(),
        };
        self.families.iter().map(name).collect()
    }
}

#[test]
fn requests_statements_and_connections_are_counted() {
    let observed = Observed::spawn(&[]);
    let before = observed.scrape();
    let mut kept = observed.app.connect();
    kept.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(kept.read_response().unwrap().status(), 200);
    let body = orders(1..=3);
    observed.app.post("/create_orders", body.clone()).expect_done();
    for _ in 0..4 {
        observed.app.get("/orders/2").expect(200);
    }
    observed.app.head("/orders/2").expect(200);
    observed.app.get("/orders/99").expect(404);
    observed.app.get("/nowhere").expect(404);
    observed.app.send("PATCH", "/orders/2", &[], None).expect(405);
    let after = observed.scrape();
    let grown = |series: &str| after.value(series) - before.samples.get(series).copied().unwrap_or_default();

    for (method, route, class, count) in [
        ("POST", "/create_orders", "2xx", 1.0),
        ("GET", "/orders/{id}", "2xx", 4.0),
        ("HEAD", "/orders/{id}", "2xx", 1.0),
        ("GET", "/orders/{id}", "4xx", 1.0),
        ("GET", "", "4xx", 1.0),
        ("PATCH", "", "4xx", 1.0),
    ] {
        assert_eq!(after.requests(method, route, class), count, "{method} {route} {class}\n{}", after.text);
    }
    let duration = "http_server_request_duration_seconds_sum{http_request_method=\"POST\",\
                    http_route=\"/create_orders\",http_response_status_class=\"2xx\"}";
    let seconds = after.value(duration);
    assert!(seconds > 0.0 && seconds < 10.0, "{seconds} s");
    let operation = |name: &str| format!("db_client_operation_duration_seconds_count{{db_operation_name=\"{name}\"}}");
    assert!(grown(&operation("SELECT")) >= 6.0 && grown(&operation("INSERT")) >= 1.0, "{}", after.text);
    assert_eq!(grown(&operation("COMMIT")), 1.0);
    assert!(grown("db_client_connection_wait_time_seconds_count") >= 7.0);
    assert!(grown("http_server_received_bytes_total") >= body.len() as f64);
    assert!(grown("http_server_sent_bytes_total") > 500.0);
    assert!(after.value("http_server_open_connections") >= 1.0 && kept.buffered().is_empty());
    assert_eq!(after.value("http_server_active_requests"), 0.0);
    assert_eq!(after.value("db_client_connections_used{purpose=\"work\"}"), 0.0);
    assert!(after.value("wasm_linear_memory_bytes") >= 1_000_000.0);
    assert!(grown("event_loop_waits_total") > 0.0);
    assert!(after.value("event_loop_longest_gap_seconds") < 60.0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let age = now - after.value("process_start_time_seconds");
    assert!(age > 0.0 && age < 300.0, "started {age} s ago");
    let build = after.samples.keys().find(|series| series.starts_with("build_info{")).expect("build_info");
    assert!(build.contains("service=\"order-service\"") && build.contains("execution=\"compiled\""), "{build}");
}

#[test]
fn what_is_shed_is_counted_by_its_reason() {
    let observed = Observed::spawn(&[("RATE_LIMIT_PER_ADDRESS", "2/1h")]);
    for status in [200, 200, 429, 429, 429] {
        observed.app.get("/orders").expect(status);
    }
    let metrics = observed.scrape();
    assert_eq!(metrics.value("http_server_shed_total{reason=\"rate_limit\"}"), 3.0);
    assert_eq!(metrics.value("http_server_shed_total{reason=\"memory\"}"), 0.0);
}

/// A client that reads nothing of its echo.
fn unread_echo(app: &TestApp) -> RawConnection {
    let mut connection = RawConnection::connect_with_small_buffer(app.address());
    connection.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 30000000\r\n\r\n");
    // Sends until neither side takes more.
    let _ = connection.stream().set_write_timeout(Some(Duration::from_millis(200)));
    while connection.try_send(vec![b'x'; 512 * 1024]).is_ok() {}
    connection
}

#[test]
fn connections_that_are_cut_off_are_counted_by_their_reason() {
    let env = [("HEADER_TIMEOUT", "300ms"), ("BODY_TIMEOUT", "300ms"), ("WRITE_TIMEOUT", "1500ms")];
    let observed = Observed::spawn(&env);
    let count = |reason: &str| {
        observed.scrape().value(&format!("http_server_cut_off_connections_total{{reason=\"{reason}\"}}"))
    };
    let mut half_head = observed.app.connect();
    half_head.send("GET / HTTP/1.1\r\nHost:");
    wait_until("the head", || count("head") == 1.0);
    let mut half_body = observed.app.connect();
    half_body.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf");
    wait_until("the body", || count("body") == 1.0);
    let unread = unread_echo(&observed.app);
    wait_until("the response", || count("response") == 1.0);
    // A client that closes its connection, and one that is idle, were not cut off.
    drop((half_head, half_body, unread));
    let _idle = observed.app.connect();
    thread::sleep(Duration::from_millis(400));
    assert_eq!((count("head"), count("body"), count("response"), count("room")), (1.0, 1.0, 1.0, 0.0));
}

#[test]
fn a_slow_client_that_makes_room_for_others_is_counted() {
    let observed = Observed::spawn(&[("MAX_CONNECTIONS", "2"), ("BODY_TIMEOUT", "60s")]);
    let stalled: Vec<_> = (0..2)
        .map(|_| {
            let mut upload = observed.app.connect();
            upload.send("POST /create_order HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n[");
            upload
        })
        .collect();
    let new_client = || observed.app.new_client();
    wait_until("a place", || new_client().try_send("GET", "/", &[], None).is_ok_and(|response| response.status == 200));
    assert!(observed.scrape().value("http_server_cut_off_connections_total{reason=\"room\"}") >= 1.0);
    drop(stalled);
}

#[test]
fn idle_connections_to_the_database_are_counted_until_they_are_closed() {
    let observed = Observed::spawn(&[("POOL_MAX", "4")]);
    let idle = || observed.scrape().value("db_client_connections_idle");
    let processes = || {
        let query =
            format!("SELECT COUNT(*) FROM information_schema.processlist WHERE db = '{}'", observed.app.database());
        observed.app.server().sql("", &query).unwrap().trim().parse::<f64>().unwrap()
    };
    let opened = || observed.scrape().value("db_client_connections_opened_total");
    let before = opened();
    thread::scope(|scope| {
        for client in 0..8 {
            let app = &observed.app;
            scope.spawn(move || (0..20).for_each(|number| drop(app.post("/orders", order(1 + client * 20 + number)))));
        }
    });
    assert_eq!((idle(), observed.scrape().value("db_client_connections_used{purpose=\"work\"}")), (processes(), 0.0));
    assert!(idle() >= 2.0, "{}", idle());
    // Each connection has served many requests.
    assert!(opened() - before <= 4.0, "{} were opened", opened() - before);
}

#[test]
fn no_client_makes_a_series() {
    let observed = Observed::spawn(&[]);
    observed.app.get("/orders").expect(200);
    let request = |method: &str, path: &str| {
        let mut connection = observed.app.connect();
        connection.send(format!("{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_eq!(connection.read_response().unwrap().status(), 404, "{method} {path}");
    };
    request("GET", "/nowhere");
    request("BREW", "/nowhere");
    let series = |metrics: &Metrics| metrics.samples.keys().cloned().collect::<BTreeSet<_>>();
    let before = series(&observed.scrape());
    for number in 0..50 {
        request(&format!("M{number}"), &format!("/path/{number}"));
        request("GET", &format!("/nowhere/{number}"));
        observed.app.get(&format!("/orders?after={number}&limit=1")).expect(200);
    }
    let after = series(&observed.scrape());
    assert_eq!(before, after);
}

#[test]
fn curl_gets_the_same_in_prometheus_own_format() {
    let observed = Observed::spawn(&[]);
    observed.app.post("/orders", order(1)).expect(201);
    let response = observed.operator.get("/metrics").expect(200);
    assert_eq!(response.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = response.text();
    assert!(text.contains("# TYPE http_server_shed_total counter\n"), "{text}");
    assert!(text.contains("# TYPE build_info gauge\n"), "{text}");
    assert!(!text.contains("# EOF") && !text.contains("# UNIT"), "{text}");
    observed.operator.get("/metrics?x=1").expect_problem(400, "invalid-query");
    observed.operator.post("/metrics", "").expect(405);
}

#[test]
fn the_page_explains_each_metric() {
    let observed = Observed::spawn(&[]);
    observed.app.get("/orders").expect(200);
    let served = observed.scrape().names();
    let page = fs::read_to_string(artifacts::root().join("docs/OPERATIONS.md")).unwrap();
    let section = page.split("\n## Metrics\n").nth(1).expect("a section").split("\n## ").next().unwrap();
    let cells = section.lines().filter(|line| line.starts_with("| `")).map(|line| line.split('|').nth(1).unwrap());
    let explained: BTreeSet<String> =
        cells.flat_map(|cell| cell.split(',')).map(|name| name.trim().trim_matches('`').to_owned()).collect();
    assert_eq!(explained, served);
}
