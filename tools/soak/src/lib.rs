//! The soak: everything at once against the real service, for minutes. What must come out: every answer right to the byte, the table
//! as its writers left it, memory and descriptors flat, a log without a panic or an error.
//!
//! | room | what is in it |
//! |---|---|
//! | `clients` | those that work: busy connections, visitors, slow senders |
//! | `troubles` | those that are in the way: resets, freezes, slow readers, an idle crowd |
//! | `book`, `reply`, `list` | what every answer must be |
//! | `wire` | a connection |
//! | `world` | what all of them share |
//! | `watch`, `checks`, `report` | the figures, what must hold at the end, and the verdict |
//! | `numbers` | randomness that can be repeated |

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use testkit::{MariaDb, Service};

mod book;
mod checks;
mod clients;
mod list;
mod numbers;
mod reply;
mod report;
mod troubles;
mod watch;
mod wire;
mod world;

use book::Book;
use list::List;
use numbers::Numbers;
pub use report::Report;
use watch::Sample;
use wire::Wire;
use world::World;

/// How long, how many, and which randomness.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How long clients go on.
    pub time: Duration,
    /// What all random numbers are made of.
    pub seed: u64,
    /// Orders in the long list.
    pub rows: u32,
    /// Idle connections.
    pub crowd: u32,
}

impl Plan {
    /// What is run when nothing else is asked for.
    #[must_use]
    pub fn of(time: Duration, seed: u64) -> Self {
        Self { time, seed, rows: 20_000, crowd: 300 }
    }
}

/// A client that writes, and keeps a book of it.
type Writer = fn(&World, u32, &mut Numbers) -> Book;

/// Those that write.
const WRITERS: [(Writer, u32); 3] = [(clients::worker, 6), (clients::visitor, 4), (clients::slow_sender, 4)];

/// Runs it; `each` is told what there is to tell meanwhile.
///
/// # Errors
/// When it cannot be run. What the service does wrong is in the report.
pub fn run(plan: &Plan, each: &mut dyn FnMut(&str)) -> Result<Report> {
    let database = MariaDb::start()?;
    database.create_database("soak")?;
    let list = List::of(plan.rows);
    let world = World::new(start(&database)?);
    prepare(&world, &list)?;
    let written = world.service.log().len();
    let (samples, books) = all_at_once(&world, &list, plan, each)?;
    let mut rules = vec![checks::answers(&samples, &world), checks::table(&world, &list, &books)];
    rules.extend(report::flatness(&samples));
    rules.push(checks::gone(&world, &database));
    rules.push(checks::log(&world, written));
    Ok(Report { samples, rules, faults: world.faults() })
}

/// As it is deployed, but for deadlines that a freeze on a busy machine must not reach.
fn start(database: &MariaDb) -> Result<Service> {
    let patient = [("CONNECT_TIMEOUT", "15s"), ("STATEMENT_TIMEOUT", "15s"), ("REQUEST_TIMEOUT", "18s")];
    let mut builder = Service::builder().database_url(&database.url("soak")).env("LOG_LEVEL", "warn");
    for (name, value) in patient {
        builder = builder.env(name, value);
    }
    builder.start()
}

/// Waits until the service has made its table, and writes the long list.
fn prepare(world: &World, list: &List) -> Result<()> {
    let started = Instant::now();
    let ready = reply::json("200 OK", "", "ready", r#"{"status":"ready"}"#);
    loop {
        let mut wire = Wire::connect(world.address())?;
        wire.send(reply::request("GET", "/ready", "ready", "", None).as_bytes())?;
        match wire.must_answer(&ready) {
            Ok(()) => break,
            Err(error) => ensure!(started.elapsed() < Duration::from_secs(20), "not ready: {error:#}"),
        }
        thread::sleep(Duration::from_millis(20));
    }
    let mut wire = Wire::connect(world.address())?;
    wire.send(reply::request("POST", "/create_orders", "list", "", Some(&list.array())).as_bytes())?;
    wire.must_answer(&reply::done("list"))
}

/// All clients until the time is over: the samples, and the writers' books.
fn all_at_once(
    world: &World,
    list: &List,
    plan: &Plan,
    each: &mut dyn FnMut(&str),
) -> Result<(Vec<Sample>, Vec<Book>)> {
    let mut clients = 0..;
    let mut numbers = || Numbers::of(plan.seed, clients.next().unwrap_or_default());
    thread::scope(|scope| {
        let mut writers = Vec::new();
        for (writer, count) in WRITERS {
            for _ in 0..count {
                let (client, mut numbers) = (u32::try_from(writers.len())?, numbers());
                writers.push(scope.spawn(move || writer(world, client, &mut numbers)));
            }
        }
        for _ in 0..3 {
            let mut numbers = numbers();
            scope.spawn(move || troubles::slow_reader(world, list, &mut numbers));
        }
        let (mut first, mut second, mut third) = (numbers(), numbers(), numbers());
        scope.spawn(move || troubles::resets(world, &mut first));
        scope.spawn(move || troubles::freezes(world, &mut second));
        scope.spawn(move || troubles::crowd(world, plan.crowd, &mut third));
        let samples = watch::watch(world, plan.time, |sample| tell(sample, each));
        world.end();
        let books = writers.into_iter().map(|writer| writer.join().map_err(|_| anyhow!("a client panicked")));
        Ok((samples, books.collect::<Result<_>>()?))
    })
}

/// A line now and then.
fn tell(sample: &Sample, each: &mut dyn FnMut(&str)) {
    let second = sample.at.as_secs();
    if second % 10 == 0 {
        each(&format!(
            "{}: {} answers right, {} wrong, {} connections, {} freezes; {} KB private, {} descriptors",
            report::time(sample.at),
            sample.right,
            sample.wrong,
            sample.connections,
            sample.freezes,
            sample.private / 1000,
            sample.descriptors
        ));
    }
}
