//! The driver's errors, sorted.

use super::*;

fn server(code: u16) -> Error {
    let message = "Duplicate entry '5' for key 'PRIMARY'".into();
    Error::Server(ServerError { code, message, state: "HY000".into() })
}

#[test]
fn only_errors_by_which_the_database_rolled_back_are_conflicts() {
    assert!(matches!(DatabaseError::from_statement(server(1205)), DatabaseError::LockTimeout(_)));
    for code in [1213, 1020, 1205, 8002, 8005, 9007] {
        let error = DatabaseError::from_statement(server(code));
        assert!(matches!(error, DatabaseError::Conflict(_) | DatabaseError::LockTimeout(_)), "{code}");
        assert!(matches!(DatabaseError::from_commit(server(code)), DatabaseError::Conflict(_)), "{code}");
    }
    for code in [1053, 1180, 1047, 1317, 1927, 2013] {
        assert!(matches!(DatabaseError::from_commit(server(code)), DatabaseError::OutcomeUnknown(_)), "{code}");
    }
}

#[test]
fn an_io_error_at_the_commit_is_an_unknown_outcome_and_before_it_a_lost_connection() {
    let broken = || Error::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
    assert!(matches!(DatabaseError::from_statement(broken()), DatabaseError::ConnectionLost(_)));
    assert!(matches!(DatabaseError::from_commit(broken()), DatabaseError::OutcomeUnknown(_)));
}

#[test]
fn a_duplicate_names_its_key() {
    let error = DatabaseError::from_statement(server(1062));
    assert!(matches!(&error, DatabaseError::Duplicate(key) if key == "5"), "{error}");
}

#[test]
fn after_a_schema_change_has_begun_no_error_says_that_nothing_was_written() {
    let during = DatabaseError::during_schema_change;
    for error in [
        DatabaseError::TimedOut,
        DatabaseError::Busy { wait: Duration::from_secs(1) },
        DatabaseError::from_statement(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into()),
        DatabaseError::from_statement(server(1213)),
        DatabaseError::from_statement(server(1205)),
        DatabaseError::from_statement(server(1053)),
    ] {
        assert!(matches!(during(error), DatabaseError::SchemaOutcomeUnknown(_)));
    }
    assert!(matches!(during(DatabaseError::NotInitialised), DatabaseError::NotInitialised));
}

#[test]
fn a_statement_that_is_too_large_is_told_apart_from_a_lost_connection() {
    let driver = || Error::from(std::io::Error::other("packet too large"));
    for error in [server(1153), driver()] {
        let error = DatabaseError::from_statement(error);
        assert!(matches!(error, DatabaseError::StatementTooLarge), "{error}");
        assert!(!error.leaves_connection_usable());
    }
}
