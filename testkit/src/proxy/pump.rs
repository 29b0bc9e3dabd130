//! The two threads of a connection that forward its bytes.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::fault::{Action, Direction, Fault, Timing};
use super::listener::reset_on_drop;
use super::state::{Connection, State};
use crate::sync::lock;

/// Connects `client` to the target and forwards bytes until either side ends.
pub(super) fn connect(state: &Arc<State>, client: TcpStream) {
    let _ = client.set_nonblocking(false);
    let Ok(server) = TcpStream::connect_timeout(&state.target, Duration::from_secs(5)) else {
        return reset_on_drop(&client);
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
    forwarded: u64,
    /// The last forwarded bytes, in which a pattern may have begun.
    tail: Vec<u8>,
}

impl<'a> Pump<'a> {
    fn new(state: &'a State, connection: &'a Connection, direction: Direction) -> Self {
        Self { state, connection, direction, forwarded: 0, tail: Vec::new() }
    }

    fn run(&mut self) {
        let (mut from, to) = match self.direction {
            Direction::ToServer => (&self.connection.client, &self.connection.server),
            Direction::ToClient => (&self.connection.server, &self.connection.client),
        };
        let mut buffer = [0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let piece = buffer.get(..length).unwrap_or_default();
            if self.connection.is_over() || self.forward(piece, to).is_none() {
                break;
            }
        }
        if !self.connection.is_over() {
            // The end of one direction is forwarded; the other direction may continue.
            let _ = to.shutdown(Shutdown::Write);
        }
    }

    /// Forwards one piece under the current fault; `None` when the connection ends with it.
    fn forward(&mut self, piece: &[u8], to: &TcpStream) -> Option<()> {
        self.state.wait_out_black_hole(self.connection);
        if self.direction == Direction::ToClient {
            let action = lock(&self.connection.action_at_response).take();
            if let Some(action) = action {
                self.act(action)?;
            }
        }
        let fault = self.state.fault();
        match &*fault {
            Fault::Delay { to_server, to_client } => thread::sleep(match self.direction {
                Direction::ToServer => *to_server,
                Direction::ToClient => *to_client,
            }),
            Fault::Throttle { bytes_per_second } => {
                return self.throttle(piece, to, *bytes_per_second);
            }
            Fault::CutAfter { direction, bytes, action } if *direction == self.direction => {
                let remaining = usize::try_from(bytes.saturating_sub(self.forwarded)).unwrap_or(usize::MAX);
                if piece.len() > remaining && self.state.trigger(&fault) {
                    self.write(piece.get(..remaining)?, to)?;
                    return self.end(*action);
                }
            }
            Fault::OnPattern { pattern, timing, action }
                if self.matches(pattern, piece) && self.state.trigger(&fault) =>
            {
                match timing {
                    Timing::BeforeServer => self.act(*action)?,
                    Timing::AfterResponse => *lock(&self.connection.action_at_response) = Some(*action),
                }
            }
            _ => {}
        }
        self.write(piece, to)
    }

    /// Ends or holds the connection; `None` when it has ended.
    fn act(&self, action: Action) -> Option<()> {
        if action == Action::Hold {
            self.state.wait_while_held(self.connection);
            return Some(());
        }
        self.end(action)
    }

    fn end(&self, action: Action) -> Option<()> {
        self.connection.end(action);
        // A black hole discards all further bytes until either side closes the connection.
        if action == Action::BlackHole {
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
        self.forwarded += piece.len() as u64;
        Some(())
    }

    /// Writes twenty small pieces per second.
    fn throttle(&mut self, piece: &[u8], to: &TcpStream, bytes_per_second: u32) -> Option<()> {
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

    /// Whether `pattern` ends in this piece to the server.
    fn matches(&mut self, pattern: &[u8], piece: &[u8]) -> bool {
        if self.direction != Direction::ToServer || pattern.is_empty() {
            return false;
        }
        self.tail.extend_from_slice(piece);
        let matched = self.tail.windows(pattern.len()).any(|window| window == pattern);
        let keep = if matched { 0 } else { self.tail.len().min(pattern.len() - 1) };
        self.tail.drain(..self.tail.len() - keep);
        matched
    }
}
