//! What is remembered of names, so that a name server that does not answer costs a bounded share of the time.
//!
//! A lookup blocks the one thread of the process, by default for ten seconds when no server answers. After such a failure the name is not asked
//! for again until nine times as long as it took has passed, a second at least: meanwhile the addresses that were found last serve, if there are
//! any, and otherwise the same failure. So lookups of one name take a tenth of the time at most. A name that is found is asked for each time, so that a
//! change is seen at once; and that a name does not exist is an answer, not a failure.

use std::collections::HashMap;
use std::net::SocketAddr;

use crate::errno;

/// The names that are remembered at most; beyond that the memory begins anew.
const MOST: usize = 256;

/// The shortest time after a failure in which a name is not asked for, in nanoseconds.
const SHORTEST: u64 = 1_000_000_000;

/// What is remembered of all names.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    names: HashMap<String, Name>,
}

/// What is remembered of one name.
#[derive(Debug, Default)]
struct Name {
    /// The addresses that were found last.
    found: Vec<SocketAddr>,
    /// The last failure, and when to ask again.
    failure: Option<(u16, u64)>,
}

impl Memory {
    /// The addresses of a name: asked for by `ask`, or from memory. `now` is called before and after asking, in nanoseconds.
    pub(crate) fn look_up(
        &mut self,
        name: &str,
        now: impl Fn() -> u64,
        ask: impl FnOnce() -> Result<Vec<SocketAddr>, u16>,
    ) -> Result<Vec<SocketAddr>, u16> {
        let began = now();
        if let Some(known) = self.names.get(name) {
            if let Some((number, _)) = known.failure.filter(|(_, again)| began < *again) {
                return known.last_found(number);
            }
        }
        let asked = ask();
        if self.names.len() >= MOST && !self.names.contains_key(name) {
            self.names.clear();
        }
        let known = self.names.entry(name.to_owned()).or_default();
        known.failure = None;
        match asked {
            Ok(found) => {
                known.found.clone_from(&found);
                Ok(found)
            }
            Err(number) if errno::is_passing(number) => {
                let ended = now();
                known.failure = Some((number, ended + (9 * ended.saturating_sub(began)).max(SHORTEST)));
                known.last_found(number)
            }
            Err(number) => {
                known.found.clear();
                Err(number)
            }
        }
    }
}

impl Name {
    fn last_found(&self, number: u16) -> Result<Vec<SocketAddr>, u16> {
        if self.found.is_empty() { Err(number) } else { Ok(self.found.clone()) }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// A name server that takes its time, and the clock that shows it.
    struct Server {
        clock: Cell<u64>,
        takes: u64,
        asked: Cell<u32>,
    }

    impl Server {
        fn ask(&self, memory: &mut Memory, answer: Result<Vec<SocketAddr>, u16>) -> Result<Vec<SocketAddr>, u16> {
            memory.look_up(
                "db",
                || self.clock.get(),
                || {
                    self.asked.set(self.asked.get() + 1);
                    self.clock.set(self.clock.get() + self.takes);
                    answer
                },
            )
        }
    }

    fn server(takes: u64) -> Server {
        Server { clock: Cell::new(5), takes, asked: Cell::new(0) }
    }

    fn address() -> Vec<SocketAddr> {
        vec![SocketAddr::from(([10, 0, 0, 7], 0))]
    }

    #[test]
    fn a_dead_server_takes_a_tenth_of_the_time_at_most_and_the_last_address_serves() {
        let (server, mut memory) = (server(10_000_000_000), Memory::default());
        assert_eq!(server.ask(&mut memory, Ok(address())), Ok(address()));
        for _ in 0..10_000 {
            assert_eq!(server.ask(&mut memory, Err(errno::AIAGAIN)), Ok(address()));
            server.clock.set(server.clock.get() + 100_000_000);
        }
        // The first lookup was answered, and the last one's time is not over.
        let spent = (u64::from(server.asked.get()) - 2) * server.takes;
        assert!(spent <= server.clock.get() / 10, "{spent} of {}", server.clock.get());
    }

    #[test]
    fn without_an_address_the_failure_comes_at_once_until_it_is_time_to_ask_again() {
        let (server, mut memory) = (server(1_000), Memory::default());
        for _ in 0..5 {
            assert_eq!(server.ask(&mut memory, Err(errno::AIAGAIN)), Err(errno::AIAGAIN));
        }
        assert_eq!(server.asked.get(), 1);
        server.clock.set(server.clock.get() + SHORTEST);
        assert_eq!(server.ask(&mut memory, Ok(address())), Ok(address()));
    }

    #[test]
    fn a_name_that_is_gone_is_gone_and_one_that_changes_is_seen_to() {
        let (server, mut memory) = (server(1_000), Memory::default());
        assert!(server.ask(&mut memory, Ok(address())).is_ok());
        let other = vec![SocketAddr::from(([10, 0, 0, 8], 0))];
        assert_eq!(server.ask(&mut memory, Ok(other.clone())), Ok(other));
        assert_eq!(server.ask(&mut memory, Err(errno::AINONAME)), Err(errno::AINONAME));
        assert_eq!(server.ask(&mut memory, Err(errno::AIAGAIN)), Err(errno::AIAGAIN));
        assert_eq!(server.asked.get(), 4);
    }

    #[test]
    fn any_number_of_names_is_remembered_in_bounded_room() {
        let mut memory = Memory::default();
        for number in 0..10_000 {
            let _ = memory.look_up(&number.to_string(), || 1, || Ok(address()));
        }
        assert!(memory.names.len() <= MOST);
    }
}
