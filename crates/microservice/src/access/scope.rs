//! Scopes: what a token allows, and what a route needs.

use std::fmt;

/// A right. None includes another one: a token has each scope that it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Read data.
    Read,
    /// Change data.
    Write,
    /// Do what an ordinary client never does, such as dropping all data.
    Admin,
    /// Use the operator's listener.
    Operator,
}

impl Scope {
    /// All scopes, in the order in which messages list them.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Admin, Self::Operator];

    /// The scope's name, as in token files and in a JWT's `scope`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
            Self::Operator => "operator",
        }
    }

    /// The scope of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of scopes.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// True where the set has the scope.
    #[must_use]
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(Scope::ALL.into_iter().filter(|scope| self.contains(*scope))).finish()
    }
}

/// What a request must show before a route's handler runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Requirements {
    /// The scope that the caller needs. None: the route is open to all, under every `Host`.
    pub(crate) scope: Option<Scope>,
    /// The route changes something: requests that a browser marks as cross-site are rejected.
    pub(crate) is_write: bool,
    /// The route is for health checks, so it has no rate limit.
    pub(crate) is_probe: bool,
}

impl Requirements {
    /// Those of a route that reads.
    pub(crate) const READ: Self = Self { scope: Some(Scope::Read), is_write: false, is_probe: false };
    /// Those of a route that writes.
    pub(crate) const WRITE: Self = Self { scope: Some(Scope::Write), is_write: true, is_probe: false };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_the_scopes_that_were_put_in_and_no_other() {
        let scopes: Scopes = [Scope::Write, Scope::Operator].into_iter().collect();
        assert_eq!(Scope::ALL.map(|scope| scopes.contains(scope)), [false, true, false, true]);
        assert_eq!(format!("{scopes:?}"), "{Write, Operator}");
        for scope in Scope::ALL {
            assert_eq!(Scope::from_name(scope.name()), Some(scope));
        }
        assert_eq!(Scope::from_name("Read"), None);
    }
}
