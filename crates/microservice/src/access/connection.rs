//! What the checks know of a client's connection.

use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use subtle::ConstantTimeEq as _;

use super::credentials::Caller;
use crate::sync::lock;

/// The longest header that is remembered, in bytes. Each connection may keep one.
const MAX_HEADER_BYTES: usize = 1024;

/// A client's connection: its address, and the caller of its last request. A client sends the same token with each
/// request, and hashing it again and again would cost more than the other checks together.
#[derive(Debug)]
pub(crate) struct ClientConnection {
    pub(super) address: IpAddr,
    last: Mutex<Option<Authenticated>>,
}

/// A header by which a caller was found.
struct Authenticated {
    /// The value of `Authorization`.
    header: Vec<u8>,
    /// That of the credentials which were in force.
    generation: u64,
    /// Until when the token is valid, since 1970. None: as long as it is in the file.
    expires: Option<Duration>,
    caller: Caller,
}

impl std::fmt::Debug for Authenticated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticated").field("caller", &self.caller).finish_non_exhaustive()
    }
}

impl ClientConnection {
    /// A connection from this address.
    pub(crate) fn new(address: IpAddr) -> Self {
        Self { address, last: Mutex::new(None) }
    }

    /// The caller that the same header had, if the same credentials are in force.
    pub(super) fn find(&self, header: &[u8], generation: u64) -> Option<Caller> {
        let last = lock(&self.last);
        let last = last.as_ref().filter(|last| last.generation == generation && are_equal(&last.header, header))?;
        let is_valid = last.expires.is_none_or(|expires| now() < expires);
        is_valid.then(|| last.caller.clone())
    }

    /// Remembers whom a header has identified.
    pub(super) fn remember(&self, header: &[u8], generation: u64, caller: &Caller, expires: Option<Duration>) {
        if header.len() <= MAX_HEADER_BYTES {
            let header = header.to_vec();
            let last = Authenticated { header, generation, expires, caller: caller.clone() };
            *lock(&self.last) = Some(last);
        }
    }
}

/// The time since 1970.
pub(super) fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// Compares in a time that depends on the lengths only. In words of 8 bytes: byte by byte costs ten times as much.
pub(super) fn are_equal(a: &[u8], b: &[u8]) -> bool {
    let difference = a.chunks(8).zip(b.chunks(8)).fold(0, |difference, (a, b)| difference | (word(a) ^ word(b)));
    a.len() == b.len() && bool::from(difference.ct_eq(&0))
}

/// Up to 8 bytes as a number.
fn word(bytes: &[u8]) -> u64 {
    match bytes.try_into() {
        Ok(bytes) => u64::from_le_bytes(bytes),
        Err(_) => bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_equal_and_others_are_not() {
        let text = b"Bearer 0123456789abcdef0123456789";
        for length in 0..text.len() {
            let (a, mut b) = (text.get(..length).unwrap_or_default(), text.get(..length).unwrap_or_default().to_vec());
            assert!(are_equal(a, &b), "{length}");
            assert!(!are_equal(a, text.get(..=length).unwrap_or_default()), "{length}");
            if let Some(last) = b.last_mut() {
                *last ^= 0x20;
                assert!(!are_equal(a, &b), "{length}");
            }
            if let Some(first) = b.first_mut() {
                *first ^= 0x80;
                assert!(!are_equal(a, &b), "{length}");
            }
        }
    }
}
