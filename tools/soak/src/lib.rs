//! The soak test: mixed load and faults against the real service for minutes. At the end every response was right in
//! every byte, the table is as its writers left it, memory and descriptors have stayed flat, and the log has neither a
//! panic nor an error.
//!
//! | module | contents |
//! |---|---|
//! | `clients` | clients that read and write: kept connections, short ones, slow senders |
//! | `faults` | resets, freezes, slow readers, idle connections |
//! | `client_model`, `order_table` | what a client and the whole table must read |
//! | `messages` | requests, and the responses that they must get |
//! | `context` | the state that all clients share |
//! | `sampling`, `checks`, `report` | figures, the rules at the end, the tables |
//! | `random` | random numbers that a seed repeats |

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow};
use fastrand::Rng;
use testkit::{Ledger, MariaDb, Service, wait_until};

mod checks;
mod client_model;
mod clients;
mod context;
mod faults;
mod messages;
mod order_table;
mod random;
mod report;
mod sampling;

use client_model::ClientModel;
use context::{RunContext, exchange};
use messages::{Expected, request};
use order_table::OrderTable;
pub use report::Report;
use sampling::Sample;

/// The parameters of a run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How long clients run.
    pub duration: Duration,
    /// The seed of all random numbers.
    pub seed: u64,
    /// Orders that exist from the start and never change.
    pub rows: u32,
    /// Idle connections.
    pub idle_connections: u32,
}

impl Plan {
    /// The usual number of rows and idle connections.
    #[must_use]
    pub fn new(duration: Duration, seed: u64) -> Self {
        Self { duration, seed, rows: 20_000, idle_connections: 300 }
    }
}

/// A client that writes, and returns its model.
type Writer = fn(&RunContext, u32, &mut Rng) -> ClientModel;

/// The writers, and how many of each run at the same time.
const WRITERS: [(Writer, u32); 3] =
    [(clients::keep_alive, 6), (clients::short_connections, 4), (clients::slow_sender, 4)];

/// Readers that take the table slowly.
const SLOW_READERS: u32 = 3;

/// How long the idle connections may take to open before the first sample.
const OPEN_TIMEOUT: Duration = Duration::from_secs(60);

/// How long the service may take to create its table.
const READY_TIMEOUT: Duration = Duration::from_secs(20);

/// Makes a run. Progress goes to `report_line`.
///
/// # Errors
/// When the run is not possible. What the service does wrong is in the report.
pub fn run(plan: &Plan, report_line: &mut dyn FnMut(&str)) -> Result<Report> {
    let database = MariaDb::start()?;
    database.create_database("soak")?;
    let table = OrderTable::new(plan.rows);
    let context = RunContext::new(start_service(&database)?);
    create_table(&context, &table)?;
    let log_length = context.service.log().len();
    let (samples, ledger) = run_clients(&context, &table, plan, report_line)?;
    let mut rules = vec![checks::responses(&samples, &context), checks::table(&context, &table, &ledger)];
    rules.extend(report::flatness(&samples));
    rules.push(checks::sockets(&context, &database));
    rules.push(checks::log(&context, log_length));
    Ok(Report { samples, rules, failures: context.failures() })
}

/// Uses the defaults, except for timeouts that a freeze on a busy machine must not reach.
fn start_service(database: &MariaDb) -> Result<Service> {
    let timeouts = [("CONNECT_TIMEOUT", "15s"), ("STATEMENT_TIMEOUT", "15s"), ("REQUEST_TIMEOUT", "18s")];
    let builder = Service::builder().database_url(&database.url("soak")).env("LOG_LEVEL", "warn");
    timeouts.into_iter().fold(builder, |builder, (name, value)| builder.env(name, value)).start()
}

/// Waits until the service has created its table, and fills it.
fn create_table(context: &RunContext, table: &OrderTable) -> Result<()> {
    let ready = Expected::json(200, "ready", r#"{"status":"ready"}"#);
    wait_until("the service to be ready", READY_TIMEOUT, || {
        let response =
            context.connect().and_then(|mut it| exchange(&mut it, request("GET", "/ready", "ready", "", None)));
        response.is_ok_and(|response| ready.check(&response).is_ok())
    })?;
    let create = request("POST", "/create_orders", "table", "", Some(&table.json()));
    Expected::status_true("table").check(&exchange(&mut context.connect()?, create)?)
}

/// Runs all clients for the plan's duration; returns the samples and the merged ledger of all writers.
fn run_clients(
    context: &RunContext,
    table: &OrderTable,
    plan: &Plan,
    report_line: &mut dyn FnMut(&str),
) -> Result<(Vec<Sample>, Ledger<u32>)> {
    let mut numbers = 0..;
    let mut next_rng = || random::for_client(plan.seed, numbers.next().unwrap_or_default());
    thread::scope(|scope| {
        let mut writers = Vec::new();
        for (writer, count) in WRITERS {
            for _ in 0..count {
                let (client, mut rng) = (u32::try_from(writers.len())?, next_rng());
                writers.push(scope.spawn(move || writer(context, client, &mut rng)));
            }
        }
        for _ in 0..SLOW_READERS {
            let mut rng = next_rng();
            scope.spawn(move || faults::slow_reader(context, table, &mut rng));
        }
        let (mut resets, mut freezes, mut idle) = (next_rng(), next_rng(), next_rng());
        scope.spawn(move || faults::resets(context, &mut resets));
        scope.spawn(move || faults::freezes(context, &mut freezes));
        let (opened, all_opened) = channel();
        scope.spawn(move || faults::idle_connections(context, plan.idle_connections, &mut idle, &opened));
        // While they are being opened, the number of descriptors grows. On a timeout the rules fail.
        let _ = all_opened.recv_timeout(OPEN_TIMEOUT);
        let samples = sampling::take(context, plan.duration, |sample| report_progress(sample, report_line));
        context.stop();
        let mut ledger = Ledger::new();
        for writer in writers {
            ledger.merge(writer.join().map_err(|_| anyhow!("a client panicked"))?.into_ledger());
        }
        Ok((samples, ledger))
    })
}

/// One line every ten seconds.
fn report_progress(sample: &Sample, report_line: &mut dyn FnMut(&str)) {
    if sample.elapsed.as_secs() % 10 == 0 {
        report_line(&format!(
            "{}: {} responses right, {} wrong, {} connections, {} freezes; {} KB private, {} descriptors",
            report::minutes(sample.elapsed),
            sample.right,
            sample.wrong,
            sample.connections,
            sample.freezes,
            sample.private / 1000,
            sample.descriptors
        ));
    }
}
