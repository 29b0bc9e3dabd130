//! More load than the service can serve, and a thousand slow clients (slowhttptest): `make bench-overload`.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use testkit::open_loop::{self, Summary};
use testkit::{MariaDb, Runtime, Service, ports};

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

/// A running service with a database of its own.
struct Bench {
    service: Service,
    admin: SocketAddr,
}

/// The figures of one build under five times its peak.
struct Overload {
    peak: Load,
    load: Load,
    operator: Duration,
    recovery: Duration,
}

/// The figures of one build beside slow clients.
struct SlowClients {
    alone: Summary,
    /// For each of [`SLOW_CLIENTS`].
    beside: Vec<Summary>,
}

/// Measures and writes the page's section.
pub(crate) fn measure(plan: &Plan) -> Result<()> {
    let start = Instant::now();
    let machine = testkit::machine::describe()?;
    let mut report = Report::new("make bench-overload");
    let (mut overloads, mut slow) = (Vec::new(), Vec::new());
    for (name, runtime) in [("native", Runtime::Native), ("wasm", Runtime::Aot)] {
        print_line(&format!("{name}: five times the peak"));
        let bench = Bench::start(runtime)?;
        overloads.push(bench.overload(plan)?);
        slow.push(bench.slow_clients(plan, name)?);
    }
    let ([native, wasm], [native_slow, wasm_slow]) = (overloads.as_slice(), slow.as_slice()) else {
        bail!("two builds are measured")
    };
    report.add(overload_section(wasm, native));
    report.add(slow_clients_section(wasm_slow, native_slow));
    let method = format!("one run of {} s per figure", seconds(plan).as_secs());
    report.write(&machine, plan, &method, start.elapsed())
}

fn seconds(plan: &Plan) -> Duration {
    Duration::from_secs(if plan.quick { 5 } else { 15 })
}

impl Bench {
    fn start(runtime: Runtime) -> Result<Self> {
        let server = MariaDb::shared()?;
        let database = server.fresh_database_name()?;
        let admin = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free()?));
        let service = Service::builder()
            .runtime(runtime)
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

    fn overload(&self, plan: &Plan) -> Result<Overload> {
        // The rate is out of reach, so each connection sends its next request when it has the last response.
        let peak = self.load_with_cpu(PAGE, 1e6, PEAK_CONNECTIONS, seconds(plan))?;
        print_line(&format!("peak: {:.0} requests/s", peak.summary.goodput));
        let is_over = AtomicBool::new(false);
        let (load, operator) = thread::scope(|scope| {
            let operator = scope.spawn(|| longest_response(self.admin, &is_over));
            let load = self.load_with_cpu(PAGE, peak.summary.goodput * FACTOR, OVERLOAD_CONNECTIONS, seconds(plan));
            is_over.store(true, Ordering::Relaxed);
            (load, operator.join())
        });
        let (load, operator) = (load?, operator.ok().context("the operator's client")??);
        let ended = Instant::now();
        testkit::wait_until("a served request", Duration::from_secs(30), || {
            crate::http::is_ok(self.service.port(), PAGE)
        })?;
        Ok(Overload { peak, load, operator, recovery: ended.elapsed() })
    }

    fn slow_clients(&self, plan: &Plan, build: &str) -> Result<SlowClients> {
        let duration = seconds(plan);
        let alone = self.load(HONEST, HONEST_RATE, 8, duration)?;
        let mut beside = Vec::new();
        for (name, path, options) in SLOW_CLIENTS {
            print_line(&format!("{build}: {name}"));
            let mut slow = slowhttptest(options, &self.service.url(path), duration)?;
            // All connections are open by then.
            thread::sleep(Duration::from_secs(6));
            let honest = self.load(HONEST, HONEST_RATE, 8, duration);
            let _ = slow.kill();
            let _ = slow.wait();
            beside.push(honest?);
        }
        Ok(SlowClients { alone, beside })
    }
}

impl Overload {
    fn goodput(&self) -> f64 {
        self.load.summary.goodput / self.peak.summary.goodput
    }

    /// The CPU time of a shed request in seconds, if a served one costs what it costs at the peak.
    fn cpu_per_shed(&self) -> f64 {
        let cpu = self.load.cpu.as_secs_f64() - self.cpu_per_served() * self.load.summary.served as f64;
        cpu.max(0.0) / self.load.summary.shed.max(1) as f64
    }

    fn cpu_per_served(&self) -> f64 {
        self.peak.cpu.as_secs_f64() / self.peak.summary.served.max(1) as f64
    }
}

impl SlowClients {
    /// How many times the 99th percentile of an honest client is without slow clients.
    fn factor(&self, beside: &Summary) -> f64 {
        beside.served_p99.as_secs_f64() / self.alone.served_p99.as_secs_f64()
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn overload_section(wasm: &Overload, native: &Overload) -> String {
    let build = |name: &str, figures: &Overload| {
        let Summary { served, shed, failed, .. } = figures.load.summary;
        format!(
            "{name}: peak {:.0} requests/s, {served} served, {shed} got 503, {failed} failed; at the peak a request \
             costs the service {:.0} µs of CPU time, and if it costs that under overload too, a shed one costs {:.0} µs",
            figures.peak.summary.goodput,
            figures.cpu_per_served() * 1e6,
            figures.cpu_per_shed() * 1e6,
        )
    };
    let ms = |time: Duration| format!("{:.0} ms", milliseconds(time));
    let row = |what: &str, of: &dyn Fn(&Overload) -> String, met: bool| {
        target(what, &format!("{}; native {}", of(wasm), of(native)), met)
    };
    let Summary { shed_p99, served_p99, .. } = wasm.load.summary;
    format!(
        "### Five times the peak\n\n`GET {PAGE}` at {FACTOR} times the rate of the build's own peak, whatever the \
         responses (open loop), on {OVERLOAD_CONNECTIONS} connections, while the operator's listener is asked for \
         `/health` and `/ready`. The generator and the database share the processors with the service.\n\n{}.\n\n{}.\n\n",
        build("wasm", wasm),
        build("native", native),
    ) + TARGETS
        + &row(
            "goodput ≥ 90 % of the peak",
            &|of| format!("{:.0} %", of.goodput() * 100.0),
            wasm.goodput() >= MIN_GOODPUT,
        )
        + &row("99 % shed in ≤ 50 ms", &|of| ms(of.load.summary.shed_p99), shed_p99 <= MAX_SHED_TIME)
        + &row(
            "99 % served within REQUEST_TIMEOUT (10 s)",
            &|of| ms(of.load.summary.served_p99),
            served_p99.as_secs() < 10,
        )
        + &row("served again within 2 s", &|of| ms(of.recovery), wasm.recovery <= MAX_RECOVERY)
        + &row("the operator is always answered: the longest", &|of| ms(of.operator), true)
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

fn slow_clients_section(wasm: &SlowClients, native: &SlowClients) -> String {
    let measured = |of: &SlowClients, beside: &Summary| {
        let [p50, p99] = [beside.served_median, beside.served_p99].map(milliseconds);
        let all = beside.served + beside.shed + beside.failed;
        let lost = if beside.served == all { String::new() } else { format!(", {} of {all} served", beside.served) };
        format!("{p99:.1} ms, {:.1} times (median {p50:.1} ms){lost}", of.factor(beside))
    };
    let mut rows = String::new();
    for (((name, ..), beside), native_beside) in SLOW_CLIENTS.iter().zip(&wasm.beside).zip(&native.beside) {
        let text = format!("{}; native {}", measured(wasm, beside), measured(native, native_beside));
        rows += &target(&format!("1,000 {name}: p99 ≤ 2 times"), &text, wasm.factor(beside) <= MAX_P99_FACTOR);
    }
    let [wasm, native] = [wasm, native].map(|of| milliseconds(of.alone.served_p99));
    format!(
        "### A thousand slow clients\n\nslowhttptest with 1,000 connections, at the lowest priority, and beside it \
         {HONEST_RATE} honest requests a second (`GET {HONEST}`), whose 99th percentile is {wasm:.1} ms without slow \
         clients (native {native:.1} ms).\n\n"
    ) + TARGETS
        + &rows
}

fn slowhttptest(options: &[&str], url: &str, duration: Duration) -> Result<Child> {
    let length = (duration.as_secs() + 10).to_string();
    // At the lowest priority: its own work would otherwise take a processor from the service.
    let mut command = Command::new("nice");
    command.args(["-n", "19", "slowhttptest", "-c", "1000", "-l", &length, "-p", "10"]).args(options).arg(url);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().context("cannot run slowhttptest (make deps installs it)")
}
