//! The thread that accepts connections.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::net::sockopt::set_socket_linger;

use super::fault::Fault;
use super::pump;
use super::state::State;

/// Between two looks for a connection. The listener is never waited on, so that it can be closed at any moment.
const LOOK: Duration = Duration::from_millis(1);

pub(super) fn bind(port: u16) -> Result<TcpListener> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).with_context(|| format!("cannot bind port {port}"))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

pub(super) fn serve(state: &Arc<State>) {
    while !state.has_ended() {
        let Some(client) = state.accept() else {
            thread::sleep(LOOK);
            continue;
        };
        state.note_accepted();
        let fault = state.fault();
        if *fault == Fault::Reset && state.fire(&fault) {
            reset(&client);
        } else {
            let state = Arc::clone(state);
            thread::spawn(move || pump::connect(&state, client));
        }
    }
}

/// The reset goes out when the caller drops `client`.
pub(super) fn reset(client: &TcpStream) {
    let _ = set_socket_linger(client, Some(Duration::ZERO));
}
