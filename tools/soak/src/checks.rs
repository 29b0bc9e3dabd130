//! What must hold once the clients have come to their end.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use testkit::MariaDb;

use crate::book::Book;
use crate::list::List;
use crate::reply;
use crate::report::Rule;
use crate::watch::Sample;
use crate::wire::Wire;
use crate::world::World;

pub(crate) fn answers(samples: &[Sample], world: &World) -> Rule {
    let right = world.counts.right.load(Ordering::Relaxed);
    let wrong = world.counts.wrong.load(Ordering::Relaxed);
    let kept = wrong == 0 && right > 0 && !samples.is_empty();
    Rule::new("every answer is right to the byte", format!("{right} right, {wrong} wrong"), kept)
}

/// The table is what the writers' books say.
pub(crate) fn table(world: &World, list: &List, books: &[Book]) -> Rule {
    let expected = list.with(books.iter().flat_map(Book::texts));
    let read = || -> Result<()> {
        let mut wire = Wire::connect(world.address())?;
        wire.send(reply::request("GET", "/orders", "all", "", None).as_bytes())?;
        wire.must_answer(&reply::streamed("all", &expected))
    };
    let outcome = read();
    let seen = match &outcome {
        Ok(()) => format!("{} bytes equal", expected.len()),
        Err(_) => "another one".to_owned(),
    };
    Rule::new("at the end the table is as its writers left it", seen, outcome.is_ok())
}

/// The service's sockets without its connections to the database.
fn sockets(world: &World, database: &MariaDb) -> Result<usize> {
    let process = world.service.process();
    Ok(process.open_sockets()?.saturating_sub(process.connections_to(database.port())))
}

/// After all clients are gone, so are their sockets: one is left, which listens.
pub(crate) fn gone(world: &World, database: &MariaDb) -> Rule {
    let started = Instant::now();
    let mut left = usize::MAX;
    while left > 1 && started.elapsed() < Duration::from_secs(20) {
        thread::sleep(Duration::from_millis(50));
        left = sockets(world, database).unwrap_or(usize::MAX);
    }
    let rule = "once all clients are gone, no socket is left but the listener and the pool's";
    let seen =
        if left == usize::MAX { "none could be counted".to_owned() } else { format!("{left} beside the pool's") };
    Rule::new(rule, seen, left == 1)
}

/// What the log says from this byte on; before, while it starts, the service may say that it has no table yet.
pub(crate) fn log(world: &World, from: usize) -> Rule {
    let log = world.service.log();
    let bad = |line: &&str| line.contains("panicked") || line.contains(r#""level":"error""#);
    let found = log.get(from..).unwrap_or(&log).lines().find(bad).map(str::to_owned);
    let runs = world.service.is_running();
    let seen =
        found.clone().unwrap_or_else(|| if runs { "none".to_owned() } else { "the process has ended".to_owned() });
    Rule::new("no panic and no error in the log, and the process lives", seen, found.is_none() && runs)
}
