//! What a server may send next.

/// How rows are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rows {
    Text,
    /// As text; all values must be numbers.
    Numbers,
    Binary,
}

/// What follows a list of definitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterDefinitions {
    /// The rows of a result.
    Rows { rows: Rows, columns: usize },
    /// The definitions of this number of columns of a prepared statement.
    StatementColumns(usize),
}

impl AfterDefinitions {
    pub(crate) fn state(self) -> State {
        match self {
            Self::Rows { rows, columns } => State::Row { rows, columns },
            Self::StatementColumns(0) => State::Idle,
            Self::StatementColumns(remaining) => State::Definitions { remaining, then: Self::StatementColumns(0) },
        }
    }
}

/// What the server may send next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// The greeting. Or the client sends first: then the guard belongs to the stream inside TLS.
    Start,
    /// Nothing until the client has sent its capabilities.
    Greeted,
    /// A step of the authentication. Only one switch of the method is allowed.
    Authentication { is_switched: bool },
    /// The result of the authentication, or of a command without rows.
    Ok,
    /// The head of a result.
    Result(Rows),
    /// Definitions of columns or parameters.
    Definitions { remaining: usize, then: AfterDefinitions },
    /// An EOF after them.
    EndOfDefinitions(AfterDefinitions),
    /// A row, or the end of the rows.
    Row { rows: Rows, columns: usize },
    /// The head of a prepared statement.
    Statement,
    /// Nothing.
    Idle,
}
