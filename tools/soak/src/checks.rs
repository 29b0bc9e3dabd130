//! The rules that must hold at the end of a run.

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Result;
use testkit::{Ledger, MariaDb, wait_until};

use crate::context::{RunContext, exchange};
use crate::messages::{Expected, request};
use crate::order_table::OrderTable;
use crate::report::Rule;
use crate::sampling::Sample;

/// The service closes the connections of clients that are gone within this time.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) fn responses(samples: &[Sample], context: &RunContext) -> Rule {
    let right = context.counters.right.load(Ordering::Relaxed);
    let wrong = context.counters.wrong.load(Ordering::Relaxed);
    let kept = wrong == 0 && right > 0 && !samples.is_empty();
    Rule::new("every response is right in every byte", format!("{right} right, {wrong} wrong"), kept)
}

/// The table holds exactly the orders of the clients' ledgers.
pub(crate) fn table(context: &RunContext, table: &OrderTable, ledger: &Ledger<u32>) -> Rule {
    let read = || -> Result<usize> {
        let response = exchange(&mut context.connect()?, request("GET", "/orders", "all", "", None))?;
        Expected::chunked_json("all", "").check_head(&response.head)?;
        let orders = table.parse(&response.body)?;
        ledger.check(orders.into_iter().map(|(id, version)| (u64::from(id), version)))?;
        Ok(response.body.len())
    };
    let outcome = read();
    let observed = match &outcome {
        Ok(length) => format!("{length} bytes equal"),
        Err(error) => format!("{error:#}").chars().take(200).collect(),
    };
    Rule::new("at the end the table is as its writers left it", observed, outcome.is_ok())
}

/// Once all clients are gone, one socket remains beside the pool's: the listener.
pub(crate) fn sockets(context: &RunContext, database: &MariaDb) -> Rule {
    let mut count = None;
    let closed = wait_until("the clients' sockets to be closed", CLOSE_TIMEOUT, || {
        count = count_sockets(context, database).ok();
        count.is_some_and(|count| count <= 1)
    });
    let observed = count.map_or("none could be counted".to_owned(), |count| format!("{count} beside the pool's"));
    let rule = "once all clients are gone, only the listener and the pool's sockets remain";
    Rule::new(rule, observed, closed.is_ok() && count == Some(1))
}

/// The service's sockets without its connections to the database.
fn count_sockets(context: &RunContext, database: &MariaDb) -> Result<usize> {
    let process = context.service.process();
    Ok(process.open_sockets()?.saturating_sub(process.connections_to(database.port())))
}

/// Checks the log from byte `from` on: during its start the service may log that its table does not exist yet.
pub(crate) fn log(context: &RunContext, from: usize) -> Rule {
    let log = context.service.log();
    let is_error = |line: &&str| line.contains("panicked") || line.contains(r#""level":"error""#);
    let error = log.get(from..).unwrap_or(&log).lines().find(is_error);
    let observed = match error {
        Some(line) => line,
        None if context.service.is_running() => "none",
        None => "the process has exited",
    };
    Rule::new("no panic and no error in the log, and the process still runs", observed, observed == "none")
}
