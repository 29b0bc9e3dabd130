//! The database's variables, read from a table instead of the environment.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

const URL: (&str, &str) = ("DATABASE_URL", "mysql://orders:hunter2@db:3306/orders");

fn read(variables: &[(&str, &str)]) -> Result<DatabaseSettings, String> {
    let lookup = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    DatabaseSettings::read(&Environment::new(&lookup)).map_err(|error| error.to_string())
}

#[test]
fn a_database_url_alone_is_enough() {
    let settings = read(&[URL]).unwrap();
    assert_eq!(settings.pool_max, 10);
    assert_eq!((settings.connect_timeout.as_secs(), settings.statement_timeout.as_secs()), (2, 5));
    assert!(settings.authorities.is_none());
}

#[test]
fn batches_get_a_third_of_the_connections_and_leave_one() {
    for (pool_max, max_batches) in [("1", 1), ("2", 1), ("3", 1), ("4", 1), ("7", 2), ("10", 3), ("1000", 333)] {
        assert_eq!(read(&[URL, ("POOL_MAX", pool_max)]).unwrap().max_batches, max_batches, "{pool_max}");
    }
    assert_eq!(read(&[URL, ("POOL_MAX_BATCHES", "8")]).unwrap().max_batches, 8);
    assert!(read(&[URL, ("POOL_MAX", "3"), ("POOL_MAX_BATCHES", "2")]).is_err());
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    assert!(read(&[URL, ("POOL_MAX", ""), ("DATABASE_URL_FILE", "")]).is_ok());
}

#[test]
fn a_wrong_value_is_one_line_with_name_problem_and_example() {
    for (name, value) in [
        ("POOL_MAX", "0"),
        ("POOL_MAX", "-1"),
        ("POOL_MAX", "1001"),
        ("POOL_MAX_BATCHES", "0"),
        ("POOL_MAX_BATCHES", "9"),
        ("CONNECT_TIMEOUT", "5"),
        ("STATEMENT_TIMEOUT", "0s"),
        ("DATABASE_CA_FILE", "/nonexistent"),
        ("DATABASE_URL_FILE", "/nonexistent"),
        ("DATABASE_URL", "postgres://orders:hunter2@db/orders"),
        ("DATABASE_URL", "mysql://orders:hunter2@db:3306"),
        ("DATABASE_URL", "mysql://orders:hunter2@db:3306/orders?colour=red"),
        ("DATABASE_URL", "mysql://orders:hunter2@db:notaport/orders"),
        ("DATABASE_URL", "mysql://orders:1?hunter2@db:3306/orders"),
        ("DATABASE_URL", "mysql://orders@db:3306/orders?require_ssl=hunter2"),
        ("DATABASE_URL", "hunter2"),
    ] {
        let error = read(&[(name, value), URL]).unwrap_err();
        assert!(error.starts_with(name), "{error}");
        assert!(error.contains(&format!("for example {name}=")), "{error}");
        assert!(!error.contains('\n') && !error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_database_url_is_required() {
    let expected = "DATABASE_URL is not set; for example DATABASE_URL=mysql://orders:password@db:3306/orders";
    assert_eq!(read(&[]).unwrap_err(), expected);
}

#[test]
fn a_secret_is_not_in_the_debug_form() {
    assert!(!format!("{:?}", read(&[URL]).unwrap()).contains("hunter2"));
}
