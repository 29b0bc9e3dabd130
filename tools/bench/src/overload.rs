//! More load than the service can serve, and a thousand slow clients (slowhttptest): `make bench-overload`.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use testkit::open_loop::{self, Summary};
use testkit::{MariaDb, Service, ports};

use crate::plan::Plan;
use crate::print_line;
use crate::report::{Report, TARGETS, target};

/// Costs enough that a generator on the same machine can send five times as many as the service can serve.
const PAGE: &str = "/orders?limit=500";

/// Connections that find the peak, and those that overload.
const PEAK_CONNECTIONS: u32 = 8;
const OVERLOAD_CONNECTIONS: u32 = 400;

/// How many times the peak is offered.
const FACTOR: f64 = 5.0;

/// The targets.
const MIN_GOODPUT: f64 = 0.9;
const MAX_SHED_TIME: Duration = Duration::from_millis(50);
const MAX_RECOVERY: Duration = Duration::from_secs(2);
const MAX_P99_FACTOR: f64 = 2.0;

/// Honest requests a second beside the slow clients.
const HONEST_RATE: f64 = 200.0;
const HONEST: &str = "/orders?limit=5";

/// The path that the slow clients of a mode request.
const BATCH: &str = "/create_orders";
const LIST: &str = "/orders";

/// The modes of slowhttptest: 1,000 connections, as in the examples of its manual (slowhttptest(1)), with a body that
/// this service expects; then with five times as many pieces in the same time.
const SLOW_CLIENTS: [(&str, &str, &[&str]); 6] = [
    ("slow headers, a line every 10 s", LIST, &["-H", "-r", "200", "-i", "10", "-x", "24", "-u"]),
    ("slow headers, a line every 2 s", LIST, &["-H", "-r", "200", "-i", "2", "-x", "24", "-u"]),
    (
        "slow bodies, a piece every 10 s",
        BATCH,
        &["-B", "-r", "200", "-i", "10", "-x", "10", "-s", "8192", "-f", JSON, "-u"],
    ),
    (
        "slow bodies, a piece every 2 s",
        BATCH,
        &["-B", "-r", "200", "-i", "2", "-x", "10", "-s", "8192", "-f", JSON, "-u"],
    ),
    (
        "slow readers, 32 bytes every 5 s",
        LIST,
        &["-X", "-r", "200", "-w", "512", "-y", "1024", "-n", "5", "-z", "32", "-k", "3", "-u"],
    ),
    (
        "slow readers, 32 bytes every second",
        LIST,
        &["-X", "-r", "200", "-w", "512", "-y", "1024", "-n", "1", "-z", "32", "-k", "3", "-u"],
    ),
];

const JSON: &str = "application/json";

/// A load, and what it cost the service.
struct Load {
    summary: Summary,
    cpu: Duration,
}

struct Bench {
    service: Service,
    admin: SocketAddr,
}

/// Measures and writes the page's section.
pub(crate) fn measure(plan: &Plan) -> Result<()> {
    let start = Instant::now();
    let machine = testkit::machine::describe()?;
    let bench = Bench::start()?;
    let mut report = Report::new("make bench-overload");
    report.add(open_loop_section(&bench, plan)?);
    report.add(slow_clients_section(&bench, plan)?);
    let method = format!("one run of {} s per figure", seconds(plan).as_secs());
    report.write(&machine, plan, &method, start.elapsed())
}

fn seconds(plan: &Plan) -> Duration {
    Duration::from_secs(if plan.quick { 5 } else { 15 })
}

impl Bench {
    fn start() -> Result<Self> {
        let server = MariaDb::shared()?;
        let database = server.fresh_database_name()?;
        let admin = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free()?));
        let service = Service::builder()
            .database_url(&server.url(&database))
            .env("ADMIN_ADDR", admin.to_string())
            .env("LOG_LEVEL", "warn")
            .start()?;
        testkit::wait_until("readiness", Duration::from_secs(20), || crate::http::is_ok(service.port(), "/ready"))?;
        let rows = "INSERT INTO orders (product_id, quantity, amount, shipping, tax, shipping_address) \
                    SELECT 12, 2, 56, 15, 2, '4 Harbour Lane' FROM seq_1_to_20000";
        server.sql(&database, rows)?;
        Ok(Self { service, admin })
    }

    fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.service.port()))
    }

    fn load_with_cpu(&self, path: &str, rate: f64, connections: u32, duration: Duration) -> Result<Load> {
        let before = self.service.cpu_time()?;
        let summary = self.load(path, rate, connections, duration)?;
        Ok(Load { summary, cpu: self.service.cpu_time()? - before })
    }

    fn load(&self, path: &str, rate: f64, connections: u32, duration: Duration) -> Result<Summary> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let samples = open_loop::run(self.address(), &request, rate, connections, duration)?;
        Ok(open_loop::summarize(&samples, duration))
    }
}

fn open_loop_section(bench: &Bench, plan: &Plan) -> Result<String> {
    // The rate is out of reach, so each connection sends its next request when it has the last response.
    let peak = bench.load_with_cpu(PAGE, 1e6, PEAK_CONNECTIONS, seconds(plan))?;
    print_line(&format!("peak: {:.0} requests/s", peak.summary.goodput));
    let is_over = AtomicBool::new(false);
    let (overload, operator) = thread::scope(|scope| {
        let operator = scope.spawn(|| longest_response(bench.admin, &is_over));
        let overload = bench.load_with_cpu(PAGE, peak.summary.goodput * FACTOR, OVERLOAD_CONNECTIONS, seconds(plan));
        is_over.store(true, Ordering::Relaxed);
        (overload, operator.join())
    });
    let (overload, operator) = (overload?, operator.ok().context("the operator's client")??);
    let ended = Instant::now();
    testkit::wait_until("a served request", Duration::from_secs(30), || {
        crate::http::is_ok(bench.service.port(), PAGE)
    })?;
    Ok(open_loop_tables(&peak, &overload, operator, ended.elapsed()))
}

fn open_loop_tables(peak: &Load, overload: &Load, operator: Duration, recovery: Duration) -> String {
    let Summary { served, shed, failed, shed_p99, served_p99, .. } = overload.summary;
    let share = overload.summary.goodput / peak.summary.goodput;
    let ms = |time: Duration| format!("{:.0} ms", time.as_secs_f64() * 1e3);
    let per_served = peak.cpu.as_secs_f64() / peak.summary.served.max(1) as f64;
    let per_shed = (overload.cpu.as_secs_f64() - per_served * served as f64) / shed.max(1) as f64;
    format!(
        "### Five times the peak\n\n`GET {PAGE}` at {FACTOR} times the rate of the peak ({:.0} requests/s), whatever the \
         responses (open loop), on {OVERLOAD_CONNECTIONS} connections, while the operator's listener is asked for \
         `/health` and `/ready`. {served} requests were served, {shed} got 503, {failed} failed. At the peak a request \
         costs the service {:.0} µs of CPU time. If it costs that under overload too, a shed one costs {:.0} µs. The \
         generator and the database share the processors with the service.\n\n",
        peak.summary.goodput,
        per_served * 1e6,
        per_shed.max(0.0) * 1e6,
    ) + TARGETS
        + &target("goodput ≥ 90 % of the peak", &format!("{:.0} %", share * 100.0), share >= MIN_GOODPUT)
        + &target("99 % shed in ≤ 50 ms", &ms(shed_p99), shed_p99 <= MAX_SHED_TIME)
        + &target("99 % served within REQUEST_TIMEOUT (10 s)", &ms(served_p99), served_p99.as_secs() < 10)
        + &target("served again within 2 s", &ms(recovery), recovery <= MAX_RECOVERY)
        + &target("the operator is always answered", &format!("longest {}", ms(operator)), true)
}

/// The longest response of the operator's listener, where each must be 200.
fn longest_response(admin: SocketAddr, is_over: &AtomicBool) -> Result<Duration> {
    let mut longest = Duration::ZERO;
    while !is_over.load(Ordering::Relaxed) {
        for path in ["/health", "/ready"] {
            let started = Instant::now();
            ensure!(crate::http::is_ok(admin.port(), path), "the operator's {path} failed");
            longest = longest.max(started.elapsed());
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(longest)
}

fn slow_clients_section(bench: &Bench, plan: &Plan) -> Result<String> {
    let duration = seconds(plan);
    let alone = bench.load(HONEST, HONEST_RATE, 8, duration)?;
    let mut rows = String::new();
    for (name, path, options) in SLOW_CLIENTS {
        let mut slow = slowhttptest(options, &bench.service.url(path), duration)?;
        // All connections are open by then.
        thread::sleep(Duration::from_secs(6));
        let beside = bench.load(HONEST, HONEST_RATE, 8, duration)?;
        let _ = slow.kill();
        let _ = slow.wait();
        let factor = beside.served_p99.as_secs_f64() / alone.served_p99.as_secs_f64();
        let [p50, p99] = [beside.served_median, beside.served_p99].map(|time| time.as_secs_f64() * 1e3);
        let measured = format!(
            "{p99:.1} ms, {factor:.1} times (median {p50:.1} ms); {} of {} served",
            beside.served,
            beside.served + beside.shed + beside.failed
        );
        rows += &target(&format!("1,000 {name}: p99 ≤ 2 times"), &measured, factor <= MAX_P99_FACTOR);
    }
    let [p50, p99] = [alone.served_median, alone.served_p99].map(|time| time.as_secs_f64() * 1e3);
    let intro = format!(
        "### A thousand slow clients\n\nslowhttptest with 1,000 connections, at the lowest priority, and beside it \
         {HONEST_RATE} honest requests a second (`GET {HONEST}`), whose 99th percentile is {p99:.1} ms without slow \
         clients (median {p50:.1} ms).\n\n"
    );
    Ok(intro + TARGETS + &rows)
}

fn slowhttptest(options: &[&str], url: &str, duration: Duration) -> Result<Child> {
    let length = (duration.as_secs() + 10).to_string();
    // At the lowest priority: its own work would otherwise take a processor from the service.
    let mut command = Command::new("nice");
    command.args(["-n", "19", "slowhttptest", "-c", "1000", "-l", &length, "-p", "10"]).args(options).arg(url);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().context("cannot run slowhttptest (make deps installs it)")
}
