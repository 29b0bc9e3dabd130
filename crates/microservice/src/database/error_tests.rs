//! The driver's errors, sorted.

use super::*;

fn server(code: u16) -> Error {
    let message = "Duplicate entry '5' for key 'PRIMARY'".into();
    Error::Server(ServerError { code, message, state: "HY000".into() })
}

#[test]
fn only_errors_by_which_the_database_rolled_back_are_conflicts() {
    for code in [1213, 1020, 1205, 8002, 8005, 9007] {
        assert!(matches!(DatabaseError::from_statement(server(code)), DatabaseError::Conflict(_)), "{code}");
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
