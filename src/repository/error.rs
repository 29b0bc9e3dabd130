//! What can go wrong at the database, sorted by what can be done about it.

use std::fmt;

use mysql_async::{DriverError, Error, ServerError};

use crate::domain::OrderId;

/// Why the database did not do what it was asked for.
///
/// Only where a cause is named does a person have to look at it; it is for the log, never for a client.
#[derive(Debug)]
pub enum RepositoryError {
    /// There is no such order.
    NotFound(OrderId),
    /// The order is not what the caller said it must be.
    PreconditionFailed(OrderId),
    /// An order has the id already; the id, where the database named it.
    Duplicate(Option<OrderId>),
    /// No id is left above the greatest one.
    IdsExhausted,
    /// All connections are busy, and stayed so for as long as one may wait.
    Busy,
    /// The database cannot be reached or cannot serve now. Nothing was written.
    Unavailable(String),
    /// The connection broke before anything was decided. Nothing was written.
    ConnectionLost(String),
    /// Other transactions were in the way, even after several tries. Nothing was written.
    Conflict(String),
    /// It took longer than it may. Nothing was written.
    TimedOut,
    /// The tables are not there.
    NotInitialised,
    /// There is a table of that name which something else made.
    ForeignTable,
    /// A COMMIT got no answer: the write happened, or it did not.
    OutcomeUnknown(String),
    /// Something that should not be.
    Internal(String),
}

impl RepositoryError {
    /// True where the whole transaction may be done again: the database gave it up by itself.
    pub(super) fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_))
    }

    /// True where a connection broke under a statement, which may just have been an old connection.
    pub(super) fn is_connection_lost(&self) -> bool {
        matches!(self, Self::ConnectionLost(_))
    }

    /// True where the connection is known to be in order: the database answered, or it was never asked.
    pub(super) fn leaves_connection_usable(&self) -> bool {
        !matches!(self, Self::ConnectionLost(_) | Self::TimedOut | Self::OutcomeUnknown(_) | Self::Unavailable(_))
    }

    /// What the driver's error means for anything but a COMMIT.
    pub(super) fn from_statement(error: Error) -> Self {
        match error {
            Error::Server(error) => Self::from_server(&error),
            Error::Io(error) => Self::ConnectionLost(error.to_string()),
            Error::Driver(
                DriverError::ConnectionClosed | DriverError::PoolDisconnected | DriverError::PacketOutOfOrder,
            ) => Self::ConnectionLost("the connection is closed".into()),
            // These say what a row or a parameter held, which is nobody else's business.
            Error::Driver(_) => Self::Internal("the driver refused a statement or a value".into()),
            Error::Url(_) => Self::Internal("the database URL was refused".into()),
            Error::Other(error) => Self::Internal(error.to_string()),
        }
    }

    /// What the driver's error means when a connection is made: whatever it is, there is no connection.
    pub(super) fn from_connect(error: &Error) -> Self {
        Self::Unavailable(error.to_string())
    }

    /// What the driver's error means when it answers a COMMIT.
    ///
    /// Certain are only the refusals by which the database says that it rolled back. An I/O error, or a server error that
    /// may come after the decision (shutdown, a killed connection, "error during COMMIT"), leaves it open.
    pub(super) fn from_commit(error: Error) -> Self {
        match error {
            Error::Server(error) if is_conflict(error.code) => Self::Conflict(error.to_string()),
            error => Self::OutcomeUnknown(error.to_string()),
        }
    }

    /// By the server's error code; MariaDB's and MySQL's numbers are the same up to 1,999
    /// (<https://mariadb.com/docs/server/reference/error-codes>), TiDB's own are from 8,000 up.
    fn from_server(error: &ServerError) -> Self {
        match error.code {
            code if is_conflict(code) => Self::Conflict(error.to_string()),
            1062 => Self::Duplicate(duplicate_id(&error.message)),
            // ER_AUTOINC_READ_FAILED, HA_ERR_AUTOINC_ERANGE.
            1467 | 167 => Self::IdsExhausted,
            // ER_NO_SUCH_TABLE, ER_BAD_FIELD_ERROR.
            1146 | 1054 => Self::NotInitialised,
            // ER_STATEMENT_TIMEOUT (MariaDB), ER_QUERY_TIMEOUT (MySQL), ER_QUERY_INTERRUPTED.
            1969 | 3024 | 1317 => Self::TimedOut,
            // The connection was ended from the other side.
            1927 | 1158..=1161 | 4031 => Self::ConnectionLost(error.to_string()),
            // Out of resources, out of connections, shutting down, outside the cluster's majority, disk or table full,
            // read-only, access withdrawn, database gone.
            1021 | 1037 | 1038 | 1040 | 1041 | 1042 | 1043 | 1044 | 1045 | 1047 | 1049 | 1053 | 1114 | 1129 | 1142
            | 1203 | 1226 | 1227 | 1290 | 1698 | 1792 | 1836 => Self::Unavailable(error.to_string()),
            _ => Self::Internal(error.to_string()),
        }
    }
}

/// Deadlock, changed since read (MariaDB's snapshot isolation), lock wait too long; TiDB's write conflicts.
fn is_conflict(code: u16) -> bool {
    matches!(code, 1213 | 1020 | 1205 | 8002 | 8005 | 9007)
}

/// The id in "Duplicate entry '5' for key 'PRIMARY'".
fn duplicate_id(message: &str) -> Option<OrderId> {
    message.split('\'').nth(1)?.parse().ok().and_then(OrderId::new)
}

impl fmt::Display for RepositoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(id) => write!(f, "there is no order {id}"),
            Self::PreconditionFailed(id) => write!(f, "order {id} is another than the caller expects"),
            Self::Duplicate(Some(id)) => write!(f, "order {id} is there already"),
            Self::Duplicate(None) => f.write_str("an order is there already"),
            Self::IdsExhausted => f.write_str("no id is left above the greatest one"),
            Self::Busy => f.write_str("all connections to the database are busy"),
            Self::Unavailable(cause) => write!(f, "the database is not available: {cause}"),
            Self::ConnectionLost(cause) => write!(f, "the connection to the database broke: {cause}"),
            Self::Conflict(cause) => write!(f, "other transactions were in the way: {cause}"),
            Self::TimedOut => f.write_str("the database took too long"),
            Self::NotInitialised => f.write_str("the tables are not there"),
            Self::ForeignTable => {
                f.write_str("the database has a table orders that this service did not make: name another database")
            }
            Self::OutcomeUnknown(cause) => write!(f, "a commit got no answer: {cause}"),
            Self::Internal(cause) => f.write_str(cause),
        }
    }
}

impl std::error::Error for RepositoryError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(code: u16) -> Error {
        Error::Server(ServerError {
            code,
            message: "Duplicate entry '5' for key 'PRIMARY'".into(),
            state: "HY000".into(),
        })
    }

    #[test]
    fn only_what_the_database_rolled_back_itself_is_tried_again() {
        for code in [1213, 1020, 1205, 8002, 8005, 9007] {
            assert!(RepositoryError::from_statement(server(code)).is_conflict(), "{code}");
            assert!(RepositoryError::from_commit(server(code)).is_conflict(), "{code}");
        }
        for code in [1053, 1180, 1047, 1317, 1927, 2013] {
            assert!(matches!(RepositoryError::from_commit(server(code)), RepositoryError::OutcomeUnknown(_)), "{code}");
        }
    }

    #[test]
    fn an_io_error_is_a_lost_connection_before_and_an_unknown_outcome_at_the_commit() {
        let broken = || Error::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
        assert!(RepositoryError::from_statement(broken()).is_connection_lost());
        assert!(matches!(RepositoryError::from_commit(broken()), RepositoryError::OutcomeUnknown(_)));
    }

    #[test]
    fn a_duplicate_is_named() {
        let error = RepositoryError::from_statement(server(1062));
        assert!(matches!(error, RepositoryError::Duplicate(Some(id)) if id.get() == 5), "{error}");
    }
}
