//! The connections that wait in the driver's pool for their next use, which the driver does not tell.

use std::time::Duration;

use tokio::time::Instant;

/// The driver's pool as far as it can be seen from outside: which connections went in, and which came out again.
///
/// A connection that the server closed, or that the driver closes after `max_idle_time`, is counted until that time is
/// over.
#[derive(Debug)]
pub(super) struct IdleConnections {
    /// The server's number of each connection, and since when it is idle, longest first.
    since: Vec<(u32, Instant)>,
    max_idle_time: Duration,
    max_connections: usize,
    opened: u64,
}

impl IdleConnections {
    /// None yet, of a pool that keeps up to `max_connections` for `max_idle_time`.
    pub(super) fn new(max_connections: usize, max_idle_time: Duration) -> Self {
        Self { since: Vec::new(), max_idle_time, max_connections, opened: 0 }
    }

    /// The pool gave this connection away: it was idle, or is new.
    pub(super) fn taken(&mut self, id: u32) {
        let before = self.since.len();
        self.since.retain(|(idle, _)| *idle != id);
        self.opened += u64::from(self.since.len() == before);
    }

    /// The pool got this connection back.
    pub(super) fn returned(&mut self, id: u32, now: Instant) {
        self.forget_closed(now);
        self.since.push((id, now));
    }

    /// The number of idle connections.
    pub(super) fn count(&mut self, now: Instant) -> u64 {
        self.forget_closed(now);
        self.since.len() as u64
    }

    /// How many connections were opened so far.
    pub(super) fn opened(&self) -> u64 {
        self.opened
    }

    fn forget_closed(&mut self, now: Instant) {
        self.since.retain(|(_, since)| now.duration_since(*since) < self.max_idle_time);
        // A restarted server gives other numbers. The ones before it are the oldest.
        let excess = self.since.len().saturating_sub(self.max_connections);
        self.since.drain(..excess);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_connection_is_idle_between_its_uses() {
        let (mut idle, now) = (IdleConnections::new(3, 20 * SECOND), Instant::now());
        idle.taken(7);
        assert_eq!((idle.count(now), idle.opened()), (0, 1));
        idle.returned(7, now);
        idle.taken(8);
        assert_eq!((idle.count(now), idle.opened()), (1, 2));
        idle.taken(7);
        assert_eq!((idle.count(now), idle.opened()), (0, 2));
    }

    #[test]
    fn closed_connections_are_forgotten() {
        let (mut idle, now) = (IdleConnections::new(3, 20 * SECOND), Instant::now());
        (1..=3).for_each(|id| idle.returned(id, now + id * SECOND));
        assert_eq!(idle.count(now + 20 * SECOND), 3);
        assert_eq!(idle.count(now + 22 * SECOND), 1);
        // The server was restarted, and gives other numbers.
        (10..=12).for_each(|id| idle.returned(id, now + 22 * SECOND));
        assert_eq!(idle.count(now + 22 * SECOND), 3);
        idle.taken(3);
        assert_eq!((idle.count(now + 22 * SECOND), idle.opened()), (3, 1));
    }
}
