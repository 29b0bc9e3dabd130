//! What can go wrong at the database, sorted by what can be done about it.

use std::fmt;
use std::time::Duration;

use mysql_async::{DriverError, Error, IoError, ServerError};

/// Why work at the database failed.
///
/// The causes are for the log, never for a client. An error without a cause needs no investigation.
#[derive(Debug, Clone)]
pub enum DatabaseError {
    /// All connections are in use, and the wait for one was too long or would be.
    Busy {
        /// How long the wait was, or is expected to be.
        wait: Duration,
    },
    /// The database cannot be reached or cannot serve now. Nothing was written.
    Unavailable(String),
    /// The connection broke before the COMMIT. Nothing was written.
    ConnectionLost(String),
    /// The transaction conflicted with others, even after several attempts. Nothing was written.
    Conflict(String),
    /// Another transaction held a lock for too long, even after several attempts. Nothing was written.
    LockTimeout(String),
    /// The work took longer than allowed. Nothing was written.
    TimedOut,
    /// A table or a column is missing.
    NotInitialised,
    /// The migrations are not over at the caller's deadline. They go on.
    Migrating,
    /// A table has other columns than the migrations make, or a storage engine without transactions. Has the names of
    /// the schema's tables, what is wrong, and advice, such as that of
    /// [`Schema::with_column_check`](super::Schema::with_column_check).
    IncompatibleTable(String),
    /// A row has this key already. The key as the database names it, or an empty text.
    Duplicate(String),
    /// No id is above the greatest one.
    IdsExhausted,
    /// A COMMIT got no response. The write happened in full, or not at all.
    OutcomeUnknown(String),
    /// The connection broke, or time ran out, while tables were dropped or created. Some may be missing.
    SchemaOutcomeUnknown(String),
    /// A request with the same idempotency key is under way. Nothing was written for this one.
    RequestInProgress,
    /// The idempotency key is that of another request. Nothing was written.
    IdempotencyKeyReused,
    /// The server rejects statements of this size. Nothing was written.
    StatementTooLarge,
    /// Anything unexpected.
    Internal(String),
}

impl DatabaseError {
    /// The kind of error in a word or two, for spans.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Busy { .. } => "busy",
            Self::Unavailable(_) => "unavailable",
            Self::ConnectionLost(_) => "connection_lost",
            Self::Conflict(_) => "conflict",
            Self::LockTimeout(_) => "lock_timeout",
            Self::TimedOut => "timed_out",
            Self::NotInitialised => "not_initialised",
            Self::Migrating => "migrating",
            Self::IncompatibleTable(_) => "incompatible_table",
            Self::Duplicate(_) => "duplicate",
            Self::IdsExhausted => "ids_exhausted",
            Self::OutcomeUnknown(_) | Self::SchemaOutcomeUnknown(_) => "outcome_unknown",
            Self::RequestInProgress => "request_in_progress",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::StatementTooLarge => "statement_too_large",
            Self::Internal(_) => "internal",
        }
    }

    /// True if the connection is known to be in order: the database responded, or no statement was sent.
    pub(super) fn leaves_connection_usable(&self) -> bool {
        !matches!(
            self,
            Self::ConnectionLost(_)
                | Self::TimedOut
                | Self::OutcomeUnknown(_)
                | Self::SchemaOutcomeUnknown(_)
                | Self::StatementTooLarge
                | Self::Unavailable(_)
        )
    }

    /// The error of work that has begun to drop or create tables: those by which "nothing was written" become an
    /// unknown outcome.
    pub(super) fn during_schema_change(self) -> Self {
        match self {
            Self::Busy { .. }
            | Self::Unavailable(_)
            | Self::ConnectionLost(_)
            | Self::Conflict(_)
            | Self::LockTimeout(_)
            | Self::TimedOut => Self::SchemaOutcomeUnknown(self.to_string()),
            error => error,
        }
    }

    /// Translates the driver's error for any statement but COMMIT.
    pub(super) fn from_statement(error: Error) -> Self {
        match error {
            Error::Server(error) => Self::from_server(&error),
            Error::Io(IoError::Io(error)) if is_too_large(&error) => Self::StatementTooLarge,
            Error::Io(error) => Self::ConnectionLost(error.to_string()),
            Error::Driver(
                DriverError::ConnectionClosed | DriverError::PoolDisconnected | DriverError::PacketOutOfOrder,
            ) => Self::ConnectionLost("the connection is closed".into()),
            // The driver's texts quote rows and parameters, which do not belong in a log.
            Error::Driver(_) => Self::Internal("the driver rejected a statement or a value".into()),
            Error::Url(_) => Self::Internal("the driver rejected the database URL".into()),
            Error::Other(error) => Self::Internal(error.to_string()),
        }
    }

    /// Translates the driver's error when it connects: whatever it is, there is no connection.
    pub(super) fn from_connect(error: &Error) -> Self {
        let text = error.to_string();
        Self::Unavailable(match error {
            Error::Io(IoError::Io(error)) if is_too_large(error) => Self::StatementTooLarge.to_string(),
            // MariaDB's flag for ANSI_QUOTES, which the driver does not know, in the server's greeting.
            _ if text.contains("StatusFlags") => {
                format!("{text}; the server's global sql_mode must not have ANSI_QUOTES, ANSI or ORACLE")
            }
            _ => text,
        })
    }

    /// Translates the driver's error for a COMMIT.
    ///
    /// Only the errors by which the database says that it rolled back are certain. An I/O error, or a server error that
    /// can follow the decision (shutdown, a killed connection, "error during COMMIT"), leaves the outcome open.
    pub(super) fn from_commit(error: Error) -> Self {
        match error {
            Error::Server(error) if is_conflict(error.code) => Self::Conflict(error.to_string()),
            error => Self::OutcomeUnknown(error.to_string()),
        }
    }

    /// Sorts by the server's error code. MariaDB and MySQL share the numbers up to 1,999
    /// (<https://mariadb.com/docs/server/reference/error-codes>); TiDB's own begin at 8,000.
    fn from_server(error: &ServerError) -> Self {
        match error.code {
            LOCK_WAIT_TIMEOUT => Self::LockTimeout(error.to_string()),
            code if is_conflict(code) => Self::Conflict(error.to_string()),
            1062 => Self::Duplicate(duplicate_key(&error.message)),
            // ER_AUTOINC_READ_FAILED, HA_ERR_AUTOINC_ERANGE.
            1467 | 167 => Self::IdsExhausted,
            // ER_NO_SUCH_TABLE, ER_BAD_FIELD_ERROR.
            1146 | 1054 => Self::NotInitialised,
            // ER_STATEMENT_TIMEOUT (MariaDB), ER_QUERY_TIMEOUT (MySQL), ER_QUERY_INTERRUPTED.
            1969 | 3024 | 1317 => Self::TimedOut,
            // ER_NET_PACKET_TOO_LARGE. The server closes the connection.
            1153 => Self::StatementTooLarge,
            // The server ended the connection.
            1927 | 1158..=1161 | 4031 => Self::ConnectionLost(error.to_string()),
            // Out of resources, out of connections, shutting down, outside the cluster's majority, disk or table full,
            // read-only, access withdrawn, database gone.
            1021 | 1037 | 1038 | 1040 | 1041 | 1042 | 1043 | 1044 | 1045 | 1047 | 1049 | 1053 | 1114 | 1129 | 1142
            | 1203 | 1226 | 1227 | 1290 | 1698 | 1792 | 1836 => Self::Unavailable(error.to_string()),
            _ => Self::Internal(error.to_string()),
        }
    }
}

/// ER_LOCK_WAIT_TIMEOUT.
const LOCK_WAIT_TIMEOUT: u16 = 1205;

/// Deadlock, changed since read (MariaDB's snapshot isolation), lock wait timeout; TiDB's write conflicts.
fn is_conflict(code: u16) -> bool {
    matches!(code, 1213 | 1020 | LOCK_WAIT_TIMEOUT | 8002 | 8005 | 9007)
}

/// The driver's own check of a statement against the server's max_allowed_packet. It closes the connection then.
fn is_too_large(error: &std::io::Error) -> bool {
    error.to_string() == "packet too large"
}

/// The key in "Duplicate entry '5' for key 'PRIMARY'".
fn duplicate_key(message: &str) -> String {
    message.split('\'').nth(1).unwrap_or_default().to_owned()
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy { wait } => {
                write!(f, "all database connections are in use; the wait is {} ms", wait.as_millis())
            }
            Self::Unavailable(cause) => write!(f, "the database is not available: {cause}"),
            Self::ConnectionLost(cause) => write!(f, "the database connection broke: {cause}"),
            Self::Conflict(cause) => write!(f, "the transaction conflicted with others: {cause}"),
            Self::LockTimeout(cause) => write!(f, "another transaction held a lock for too long: {cause}"),
            Self::TimedOut => f.write_str("the database took too long"),
            Self::NotInitialised => f.write_str("a table or a column is missing"),
            Self::Migrating => f.write_str("the migrations are not over"),
            Self::IncompatibleTable(advice) => {
                write!(f, "the database has a table that this service cannot use: {advice}")
            }
            Self::Duplicate(key) => write!(f, "a row with the key {key:?} exists already"),
            Self::IdsExhausted => f.write_str("no id is above the greatest one"),
            Self::OutcomeUnknown(cause) => write!(f, "a COMMIT got no response: {cause}"),
            Self::SchemaOutcomeUnknown(cause) => write!(f, "a change of the schema was interrupted: {cause}"),
            Self::RequestInProgress => f.write_str("a request with the same idempotency key is under way"),
            Self::IdempotencyKeyReused => f.write_str("the idempotency key is that of another request"),
            Self::StatementTooLarge => f.write_str(
                "a statement is larger than the server's max_allowed_packet; raise that (MariaDB's default is 16M)",
            ),
            Self::Internal(cause) => f.write_str(cause),
        }
    }
}

impl std::error::Error for DatabaseError {}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
