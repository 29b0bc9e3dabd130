//! What is remembered of names, so that a name server that is slow or silent costs a bounded share of the time.
//!
//! A lookup blocks the one thread of the process: by default for ten seconds when no server answers, and for five each time when the first of
//! two is dead and the second answers. What a lookup of more than 50 ms has told, addresses or a failure, therefore serves for nine times as
//! long as it took, so that lookups of one name take a tenth of the time at most, or are quick. When nobody gave an answer that is so after
//! quick failures too, for a second, and the addresses that were found last serve, if there are any. A name that is found quickly is asked for each time,
//! so that a change is seen at once; and that a name does not exist is an answer, not a failure.

use std::collections::HashMap;
use std::net::SocketAddr;

use crate::errno;

/// The names that are remembered at most; beyond that the memory begins anew.
const MOST: usize = 256;

/// A lookup that took longer is slow, in nanoseconds: what a name server in the same network takes is some milliseconds at most.
const SLOW: u64 = 50_000_000;

/// What a slow lookup has told serves for so many times as long as it took.
const SERVES: u64 = 9;

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
    /// How the last lookup failed, if it did.
    failure: Option<u16>,
    /// Until then what is known serves.
    again: u64,
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
        if let Some(known) = self.names.get(name).filter(|known| began < known.again) {
            return known.told();
        }
        let asked = ask();
        let ended = now();
        if self.names.len() >= MOST && !self.names.contains_key(name) {
            self.names.clear();
        }
        let known = self.names.entry(name.to_owned()).or_default();
        known.learn(asked, ended.saturating_sub(began), ended);
        known.told()
    }
}

impl Name {
    /// Notes how a lookup has ended, and for how long that serves.
    fn learn(&mut self, asked: Result<Vec<SocketAddr>, u16>, took: u64, ended: u64) {
        let passing = asked.as_ref().is_err_and(|number| errno::is_passing(*number));
        self.failure = asked.as_ref().err().copied();
        // What was found last is kept only where nobody has said that it is wrong.
        if !passing {
            self.found = asked.unwrap_or_default();
        }
        let share = if took > SLOW || passing { took.saturating_mul(SERVES) } else { 0 };
        self.again = ended.saturating_add(if passing { share.max(SHORTEST) } else { share });
    }

    /// The addresses that were found last, or why there are none.
    fn told(&self) -> Result<Vec<SocketAddr>, u16> {
        match self.failure {
            Some(number) if self.found.is_empty() => Err(number),
            _ => Ok(self.found.clone()),
        }
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

    /// Asks every tenth of a second for so long that lookups are a small part; how much of the time they take.
    fn tenths(server: &Server, answer: &Result<Vec<SocketAddr>, u16>) -> u64 {
        let (began, mut memory) = (server.clock.get(), Memory::default());
        for _ in 0..10_000 {
            assert_eq!(&server.ask(&mut memory, answer.clone()), answer);
            server.clock.set(server.clock.get() + 100_000_000);
        }
        // The last one's time is not over.
        let spent = u64::from(server.asked.get() - 1) * server.takes;
        (10 * spent).div_ceil(server.clock.get() - began)
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
        // The last one's time is not over.
        let spent = (u64::from(server.asked.get()) - 1) * server.takes;
        assert!(spent <= server.clock.get() / 10, "{spent} of {}", server.clock.get());
    }

    #[test]
    fn whatever_a_slow_server_says_it_takes_a_tenth_of_the_time_at_most_and_is_asked_again() {
        for takes in [SLOW + 1, 300_000_000, 5_000_000_000, 20_000_000_000] {
            for answer in [Ok(address()), Err(errno::AINONAME), Err(errno::AINODATA), Err(errno::AIAGAIN)] {
                let server = server(takes);
                assert_eq!(tenths(&server, &answer), 1, "{takes} ns for {answer:?}");
                assert!(server.asked.get() > 2, "{takes} ns for {answer:?}");
            }
        }
    }

    #[test]
    fn what_a_slow_server_has_said_serves_until_it_is_asked_again_and_no_longer() {
        let (server, mut memory) = (server(SLOW + 1), Memory::default());
        assert_eq!(server.ask(&mut memory, Err(errno::AINONAME)), Err(errno::AINONAME));
        let ended = server.clock.get();
        server.clock.set(ended + SERVES * (SLOW + 1) - 1);
        assert_eq!(server.ask(&mut memory, Ok(address())), Err(errno::AINONAME));
        server.clock.set(server.clock.get() + 1);
        assert_eq!(server.ask(&mut memory, Ok(address())), Ok(address()));
        assert_eq!(server.asked.get(), 2);
    }

    #[test]
    fn a_server_that_is_quick_is_asked_each_time() {
        let (server, mut memory) = (server(SLOW), Memory::default());
        for answer in [Ok(address()), Err(errno::AINONAME), Ok(address()), Err(errno::AINODATA)] {
            assert_eq!(server.ask(&mut memory, answer.clone()), answer);
        }
        assert_eq!(server.asked.get(), 4);
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
