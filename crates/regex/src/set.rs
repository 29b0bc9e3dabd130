//! Several patterns at once: for build scripts.

use crate::{Error, Regex};

/// A set of patterns.
#[derive(Clone, Debug)]
pub struct RegexSet(Vec<Regex>);

impl RegexSet {
    /// Compiles the patterns.
    ///
    /// # Errors
    /// When one is malformed.
    pub fn new<S: AsRef<str>>(patterns: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        patterns.into_iter().map(|pattern| Regex::new(pattern.as_ref())).collect::<Result<_, _>>().map(Self)
    }

    /// Whether one of the patterns matches.
    #[must_use]
    pub fn is_match(&self, haystack: &str) -> bool {
        self.0.iter().any(|regex| regex.is_match(haystack))
    }

    /// Which patterns match.
    #[must_use]
    pub fn matches(&self, haystack: &str) -> SetMatches {
        let matching = self.0.iter().enumerate().filter(|(_, regex)| regex.is_match(haystack));
        SetMatches(matching.map(|(index, _)| index).collect())
    }
}

/// The patterns that match.
#[derive(Clone, Debug)]
pub struct SetMatches(Vec<usize>);

impl SetMatches {
    /// Whether there is one.
    #[must_use]
    pub fn matched_any(&self) -> bool {
        !self.0.is_empty()
    }
}

impl<'a> IntoIterator for &'a SetMatches {
    type Item = usize;
    type IntoIter = std::iter::Copied<std::slice::Iter<'a, usize>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_says_which_patterns_match() -> Result<(), Error> {
        let set = RegexSet::new(["^(ab)$", "b", "^c"])?;
        assert!(set.is_match("ab") && !set.is_match("x"));
        assert_eq!(set.matches("ab").into_iter().collect::<Vec<_>>(), [0, 1]);
        assert!(set.matches("c").matched_any() && !set.matches("x").matched_any());
        assert!(RegexSet::new(["("]).is_err());
        Ok(())
    }
}
