//! The two threads of a connection that carry its bytes.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::fault::{Direction, Fault, Then, When};
use super::listener::reset;
use super::state::{Connection, State};
use crate::sync::lock;

/// Connects `client` to the target and carries bytes until either side ends.
pub(super) fn connect(state: &Arc<State>, client: TcpStream) {
    let _ = client.set_nonblocking(false);
    let Ok(server) = TcpStream::connect_timeout(&state.target, Duration::from_secs(5)) else {
        return reset(&client);
    };
    for socket in [&client, &server] {
        let _ = socket.set_nodelay(true);
    }
    let connection = Arc::new(Connection::new(client, server));
    state.add(&connection);
    let (other_state, other) = (Arc::clone(state), Arc::clone(&connection));
    thread::spawn(move || Pump::new(&other_state, &other, Direction::ToClient).run());
    Pump::new(state, &connection, Direction::ToServer).run();
}

struct Pump<'a> {
    state: &'a State,
    connection: &'a Connection,
    direction: Direction,
    carried: u64,
    /// The end of what was carried before, where a pattern may have begun.
    tail: Vec<u8>,
}

impl<'a> Pump<'a> {
    fn new(state: &'a State, connection: &'a Connection, direction: Direction) -> Self {
        Self { state, connection, direction, carried: 0, tail: Vec::new() }
    }

    fn run(&mut self) {
        let (mut from, to) = match self.direction {
            Direction::ToServer => (&self.connection.client, &self.connection.server),
            Direction::ToClient => (&self.connection.server, &self.connection.client),
        };
        let mut buffer = [0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let piece = buffer.get(..length).unwrap_or_default();
            if self.connection.is_over() || self.carry(piece, to).is_none() {
                break;
            }
        }
        if !self.connection.is_over() {
            // An end in one direction is passed on as such: the other one may go on.
            let _ = to.shutdown(Shutdown::Write);
        }
    }

    /// Carries one piece as the fault of the moment wants it; `None` when that was the last one.
    fn carry(&mut self, piece: &[u8], to: &TcpStream) -> Option<()> {
        self.state.wait_out_black_hole(self.connection);
        if self.direction == Direction::ToClient {
            if let Some(then) = lock(&self.connection.at_the_reply).take() {
                return self.end(then);
            }
        }
        let fault = self.state.fault();
        match &*fault {
            Fault::Delay { to_server, to_client } => thread::sleep(match self.direction {
                Direction::ToServer => *to_server,
                Direction::ToClient => *to_client,
            }),
            Fault::Throttle { bytes_per_second } => {
                return self.trickle(piece, to, *bytes_per_second);
            }
            Fault::CutAfter { direction, bytes, then } if *direction == self.direction => {
                let left = usize::try_from(bytes.saturating_sub(self.carried)).unwrap_or(usize::MAX);
                if piece.len() > left && self.state.fire(&fault) {
                    self.write(piece.get(..left)?, to)?;
                    return self.end(*then);
                }
            }
            Fault::OnPattern { pattern, when, then } if self.meets(pattern, piece) && self.state.fire(&fault) => {
                match when {
                    When::Before => return self.end(*then),
                    When::After => *lock(&self.connection.at_the_reply) = Some(*then),
                }
            }
            _ => {}
        }
        self.write(piece, to)
    }

    fn end(&self, then: Then) -> Option<()> {
        self.connection.end(then);
        // A black hole swallows whatever still comes until the connection is dropped by either side.
        if then == Then::BlackHole {
            let mut from = match self.direction {
                Direction::ToServer => &self.connection.client,
                Direction::ToClient => &self.connection.server,
            };
            while let Ok(1..) = from.read(&mut [0; 1024]) {}
        }
        None
    }

    fn write(&mut self, piece: &[u8], mut to: &TcpStream) -> Option<()> {
        to.write_all(piece).ok()?;
        self.carried += piece.len() as u64;
        Some(())
    }

    /// Writes twenty small pieces a second.
    fn trickle(&mut self, piece: &[u8], to: &TcpStream, bytes_per_second: u32) -> Option<()> {
        let step = (bytes_per_second / 20).max(1);
        for part in piece.chunks(step as usize) {
            if self.connection.is_over() {
                return None;
            }
            thread::sleep(Duration::from_secs(1) * u32::try_from(part.len()).ok()? / bytes_per_second.max(1));
            self.write(part, to)?;
        }
        Some(())
    }

    /// Whether `pattern` ends in this piece on its way to the server.
    fn meets(&mut self, pattern: &[u8], piece: &[u8]) -> bool {
        if self.direction != Direction::ToServer || pattern.is_empty() {
            return false;
        }
        self.tail.extend_from_slice(piece);
        let met = self.tail.windows(pattern.len()).any(|window| window == pattern);
        let keep = if met { 0 } else { self.tail.len().min(pattern.len() - 1) };
        self.tail.drain(..self.tail.len() - keep);
        met
    }
}
