//! Faults and unfriendly clients: resets, freezes of the service, slow readers, many idle connections.

use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::time::Duration;

use anyhow::Result;
use fastrand::Rng;
use testkit::http::RawConnection;

use crate::context::{RunContext, exchange};
use crate::messages::{Expected, request};
use crate::order_table::OrderTable;
use crate::random::{millis, one_in};

/// The pause before a client connects again after a failure.
const RECONNECT_INTERVAL: Duration = Duration::from_millis(200);

/// Every idle connection makes a request about once in this time, half of the service's `IDLE_TIMEOUT`.
const IDLE_REQUEST_INTERVAL_MS: u32 = 30_000;

/// Bursts of connections, 60 a second on average, that are reset before a request, within one, or before its response.
pub(crate) fn resets(context: &RunContext, rng: &mut Rng) {
    let request = request("GET", "/orders?limit=100", "reset", "", None);
    while context.is_running() {
        for _ in 0..rng.u32(1..50) {
            let sent = match rng.u32(0..4) {
                0 | 1 => 0,
                2 => rng.usize(1..60),
                _ => request.len(),
            };
            if let Err(error) = context.reset_after(request.as_bytes().get(..sent).unwrap_or_default()) {
                context.record("a connection to be reset", Err(error));
            }
        }
        context.sleep(millis(rng, 0..800));
    }
}

/// Freezes the service (SIGSTOP) at random moments. Half of the time connections are reset that it cannot have
/// accepted.
pub(crate) fn freezes(context: &RunContext, rng: &mut Rng) {
    while context.is_running() {
        context.sleep(millis(rng, 300..4_000));
        context.service.pause();
        context.counters.freezes.fetch_add(1, Ordering::Relaxed);
        if one_in(rng, 2) {
            for _ in 0..rng.u32(1..30) {
                if let Err(error) = context.reset_after(b"") {
                    context.record("a connection reset in a freeze", Err(error));
                }
            }
        }
        let duration = if one_in(rng, 15) { millis(rng, 1_000..1_500) } else { millis(rng, 0..200) };
        std::thread::sleep(duration);
        context.service.resume();
    }
}

/// Reads the whole table slowly through a small receive buffer, again and again.
pub(crate) fn slow_reader(context: &RunContext, table: &OrderTable, rng: &mut Rng) {
    while context.is_running() {
        if !context.record("a slow reader", read_slowly(context, table, rng)) {
            context.sleep(RECONNECT_INTERVAL);
        }
    }
}

/// One reader in three closes the connection before the end of the response.
fn read_slowly(context: &RunContext, table: &OrderTable, rng: &mut Rng) -> Result<()> {
    let mut connection = context.connect_with_small_buffer()?;
    connection.send(request("GET", "/orders", "table", "", None))?;
    Expected::chunked_json("table", "").check_head(&connection.read_head()?)?;
    let (mut body, mut remaining_chunks) = (Vec::new(), if one_in(rng, 3) { rng.u32(1..60) } else { u32::MAX });
    while let Some(chunk) = connection.read_chunk()? {
        body.extend_from_slice(&chunk);
        remaining_chunks -= 1;
        if remaining_chunks == 0 || !context.is_running() {
            return table.check_start(&body);
        }
        context.sleep(millis(rng, 0..120));
    }
    table.parse(&body).map(drop)
}

/// Opens `count` connections that are idle but for a request now and then. Sends to `opened` when all are open.
pub(crate) fn idle_connections(context: &RunContext, count: u32, rng: &mut Rng, opened: &Sender<()>) {
    let mut connections: Vec<RawConnection> = Vec::new();
    while context.is_running() {
        if connections.len() < count as usize {
            match context.connect() {
                Ok(connection) => connections.push(connection),
                Err(error) => {
                    context.record("an idle connection", Err(error));
                    context.sleep(RECONNECT_INTERVAL);
                }
            }
        } else {
            // The receiver waits for the first message only.
            let _ = opened.send(());
            context.sleep(millis(rng, 0..2 * IDLE_REQUEST_INTERVAL_MS / count.max(1)));
        }
        let next = usize::from(!connections.is_empty());
        connections.rotate_left(next);
        if let Some(connection) = connections.last_mut() {
            if !context.record("an idle connection", check_health(connection)) {
                connections.pop();
            }
        }
    }
}

fn check_health(connection: &mut RawConnection) -> Result<()> {
    let response = exchange(connection, request("GET", "/health", "idle", "", None))?;
    Expected::json(200, "idle", r#"{"status":"alive"}"#).check(&response)
}
