//! Regular expressions on bytes, by regex-lite, which reads strings.
//!
//! Each byte becomes the character with its number (ISO 8859-1), so any bytes are a string, and positions can be
//! converted back.

use std::ops::Range;

use crate::Error;

/// A compiled regular expression.
#[derive(Clone, Debug)]
pub struct Regex(regex_lite::Regex);

impl Regex {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn new(pattern: &str) -> Result<Self, Error> {
        regex_lite::Regex::new(pattern).map(Self)
    }

    /// Whether the pattern matches anywhere.
    #[must_use]
    pub fn is_match(&self, haystack: &[u8]) -> bool {
        self.0.is_match(&string(haystack))
    }

    /// The groups of the leftmost match.
    #[must_use]
    pub fn captures<'t>(&self, haystack: &'t [u8]) -> Option<Captures<'t>> {
        let text = string(haystack);
        let captures = self.0.captures(&text)?;
        let groups = captures.iter().map(|group| group.and_then(|group| bytes(&text, group.range())));
        Some(Captures { haystack, groups: groups.collect() })
    }
}

fn string(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// Converts a position of characters to one of bytes.
fn bytes(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let start = text.get(..range.start)?.chars().count();
    Some(start..start + text.get(range)?.chars().count())
}

/// The groups of a match.
#[derive(Clone, Debug)]
pub struct Captures<'t> {
    haystack: &'t [u8],
    groups: Vec<Option<Range<usize>>>,
}

impl<'t> Captures<'t> {
    /// The group with this number; 0 is the whole match.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Match<'t>> {
        let range = self.groups.get(index)?.clone()?;
        self.haystack.get(range).map(Match)
    }
}

/// A group of a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match<'t>(&'t [u8]);

impl<'t> Match<'t> {
    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &'t [u8] {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: &str = r"^(\d{1,2})\.(\d{1,2})\.(\d{1,3})(.*)";
    const MARIADB: &str = r"^5.5.5-(\d{1,2})\.(\d{1,2})\.(\d{1,3})-MariaDB";
    const PEM: &str = "-----BEGIN PUBLIC KEY-----([^-]*)-----END PUBLIC KEY-----";

    /// A pattern, what it is matched with, and the groups behind the whole match; without a match none.
    type Found = (&'static str, &'static [u8], &'static [&'static [u8]]);

    /// The groups behind the whole match, and "-" for none.
    fn groups(pattern: &str, haystack: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        let Some(captures) = Regex::new(pattern)?.captures(haystack) else { return Ok(Vec::new()) };
        let group = |index| captures.get(index).map_or(b"-".to_vec(), |group| group.as_bytes().to_vec());
        Ok((1..captures.groups.len()).map(group).collect())
    }

    /// The published crate found the same in each of them.
    #[test]
    fn the_drivers_patterns_find_what_they_should() -> Result<(), Error> {
        let found: [Found; 12] = [
            (VERSION, b"8.0.36", &[b"8", b"0", b"36", b""]),
            (VERSION, b"8.4.0-log and more", &[b"8", b"4", b"0", b"-log and more"]),
            (VERSION, b"11.8.6-MariaDB-5 from Debian\nsecond line", &[b"11", b"8", b"6", b"-MariaDB-5 from Debian"]),
            (VERSION, b"8.0.1234", &[b"8", b"0", b"123", b"4"]),
            (VERSION, b"123.4.5", &[]),
            (VERSION, b"8.x.36", &[]),
            (VERSION, b"", &[]),
            (MARIADB, b"5.5.5-10.11.6-MariaDB-0+deb12u1", &[b"10", b"11", b"6"]),
            (MARIADB, b"11.8.6-MariaDB", &[]),
            (PEM, b"-----BEGIN PUBLIC KEY-----\nMIIB\nAQ==\n-----END PUBLIC KEY-----\n", &[b"\nMIIB\nAQ==\n"]),
            (PEM, b"-----BEGIN PUBLIC KEY-----\n-", &[]),
            (r"(x)|(y)", b"y", &[b"-", b"y"]),
        ];
        for (pattern, haystack, expected) in found {
            assert_eq!(groups(pattern, haystack)?, expected, "{pattern} in {}", haystack.escape_ascii());
            assert_eq!(Regex::new(pattern)?.is_match(haystack), !expected.is_empty());
        }
        Ok(())
    }

    #[test]
    fn bytes_beyond_ascii_keep_their_positions() -> Result<(), Error> {
        let haystack = b"\xff\xc3\xa9 -----BEGIN PUBLIC KEY-----\xfe\xc3\xa9-----END PUBLIC KEY----- \xff";
        assert_eq!(groups(PEM, haystack)?, [b"\xfe\xc3\xa9"]);
        Ok(())
    }

    #[test]
    fn digits_are_ascii() -> Result<(), Error> {
        assert!(groups(VERSION, "\u{661}\u{662}.1.1".as_bytes())?.is_empty());
        Ok(())
    }
}
