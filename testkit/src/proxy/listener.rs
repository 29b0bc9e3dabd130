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

/// The interval between two calls of `accept`, which does not block: the listener can be closed at any time.
const ACCEPT_INTERVAL: Duration = Duration::from_millis(1);

pub(super) fn bind(port: u16) -> Result<TcpListener> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).with_context(|| format!("cannot bind port {port}"))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

pub(super) fn serve(state: &Arc<State>) {
    while !state.has_ended() {
        let Some(client) = state.accept() else {
            thread::sleep(ACCEPT_INTERVAL);
            continue;
        };
        state.note_accepted();
        let fault = state.fault();
        if *fault == Fault::Reset && state.trigger(&fault) {
            reset_on_drop(&client);
        } else {
            let state = Arc::clone(state);
            thread::spawn(move || pump::connect(&state, client));
        }
    }
}

/// Makes the kernel send a reset when the caller drops `client`.
pub(super) fn reset_on_drop(client: &TcpStream) {
    let _ = set_socket_linger(client, Some(Duration::ZERO));
}
