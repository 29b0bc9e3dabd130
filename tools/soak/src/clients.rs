//! Clients that read and write orders. Each checks every byte of every response against its model.

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use testkit::http::{RawConnection, RawResponse};

use crate::client_model::ClientModel;
use crate::context::{RunContext, exchange, read_only_response};
use crate::random::millis;

/// The first bytes of a request are sent one by one: a request is interrupted at every point of its head. The rest of a
/// long body follows at once.
const SLOW_BYTES: usize = 400;

/// Keeps one connection busy.
pub(crate) fn keep_alive(context: &RunContext, client: u32, rng: &mut Rng) -> ClientModel {
    on_one_connection(context, client, rng, "a kept connection", |connection, request, rng| {
        let response = exchange(connection, request);
        context.sleep(millis(rng, 0..20));
        response
    })
}

/// Sends the start of every request byte by byte.
pub(crate) fn slow_sender(context: &RunContext, client: u32, rng: &mut Rng) -> ClientModel {
    on_one_connection(context, client, rng, "a slow sender", |connection, request, rng| {
        let (slow, rest) = request.split_at(request.len().min(SLOW_BYTES));
        for byte in slow.chunks(1) {
            connection.send(byte)?;
            // Once the run stops, this returns at once and the request is completed quickly.
            context.sleep(millis(rng, 0..3));
        }
        exchange(connection, rest)
    })
}

/// Makes requests with `send` on one connection until the run stops.
fn on_one_connection(
    context: &RunContext,
    client: u32,
    rng: &mut Rng,
    name: &str,
    mut send: impl FnMut(&mut RawConnection, &[u8], &mut Rng) -> Result<RawResponse>,
) -> ClientModel {
    let (mut model, mut pauses) = (ClientModel::new(client), rng.fork());
    match context.connect() {
        Ok(mut connection) => {
            // A client stops at its first failure: its model no longer knows which orders exist.
            while context.is_running()
                && context.record(name, model.step(rng, |request| send(&mut connection, request, &mut pauses)))
            {
            }
        }
        Err(error) => drop(context.record(name, Err(error))),
    }
    model
}

/// Opens short connections with a few requests each.
pub(crate) fn short_connections(context: &RunContext, client: u32, rng: &mut Rng) -> ClientModel {
    let mut model = ClientModel::new(client);
    while context.is_running() && short_connection(context, &mut model, rng) {
        context.sleep(millis(rng, 0..100));
    }
    model
}

/// Closes the connection at once, or ends its sending half first, with or without a last request. False after a
/// failure.
fn short_connection(context: &RunContext, model: &mut ClientModel, rng: &mut Rng) -> bool {
    let mut connection = match context.connect() {
        Ok(connection) => connection,
        Err(error) => return context.record("a short connection", Err(error)),
    };
    for _ in 0..rng.u32(0..5) {
        if !context.record("a short connection", model.step(rng, |request| exchange(&mut connection, request))) {
            return false;
        }
    }
    match rng.u32(0..3) {
        0 => {
            let step = model.step(rng, |request| last_exchange(&mut connection, request));
            context.record("a half-closed connection", step)
        }
        1 => {
            let closed = connection.shutdown_write().context("cannot end the sending half");
            context.record("a connection closed for sending", closed.and_then(|()| require_end(&mut connection)))
        }
        _ => true,
    }
}

/// Ends the sending half after the request. The response must still come, and then the end of the connection.
fn last_exchange(connection: &mut RawConnection, request: &[u8]) -> Result<RawResponse> {
    connection.send(request)?;
    connection.shutdown_write()?;
    let response = read_only_response(connection)?;
    require_end(connection)?;
    Ok(response)
}

fn require_end(connection: &mut RawConnection) -> Result<()> {
    ensure!(!connection.read_more()?, "{} bytes came instead of the end", connection.buffered().len());
    Ok(())
}
