//! The whole configuration, read from a table instead of the environment. The kit tests its database's variables
//! itself.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use microservice::config::Environment;
use microservice::configure;

use crate::OrderService;

const URL: (&str, &str) = ("DATABASE_URL", "mysql://orders:hunter2@db:3306/orders");

fn read(variables: &[(&str, &str)]) -> Result<String, String> {
    let lookup = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let configured = configure::<OrderService>(&Environment::new(&lookup));
    configured.map(|configured| format!("{configured:?}")).map_err(|error| error.to_string())
}

#[test]
fn a_database_url_alone_is_enough() {
    let configured = read(&[URL]).unwrap();
    assert!(configured.contains("listen_addr: 0.0.0.0:8080"), "{configured}");
    assert!(configured.contains("auto_init: true") && configured.contains("allow_reset: false"), "{configured}");
    assert!(configured.contains("max_body_bytes: 33554432"), "{configured}");
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    assert!(read(&[URL, ("LISTEN_ADDR", ""), ("DATABASE_URL_FILE", "")]).is_ok());
}

#[test]
fn a_wrong_value_is_one_line_with_name_problem_and_example() {
    for (name, value) in [
        ("LISTEN_ADDR", "8080"),
        ("LISTEN_ADDR", "localhost:8080"),
        ("ADMIN_ADDR", "admin:9090"),
        ("DRAIN_DELAY", "3"),
        ("DRAIN_TIMEOUT", "0s"),
        ("FATAL_EXIT", "panic"),
        ("ALLOW_INTERPRETER", "yes"),
        ("AUTO_INIT", "yes"),
        ("ALLOW_RESET", "1"),
        ("REQUEST_TIMEOUT", "25h"),
        ("BATCH_TIMEOUT", "99999999999999999999s"),
        ("IDLE_TIMEOUT", "25000m"),
        ("MAX_HEADER_BYTES", "64KiB"),
        ("MAX_BODY_BYTES", "10GiB"),
        ("MAX_BUFFERED_BYTES", "1KiB"),
        ("MAX_ORDER_BYTES", "17MiB"),
        ("MAX_ORDER_BYTES", "16MiB"),
        ("MAX_BATCH", "0"),
        ("MAX_IN_FLIGHT", "many"),
        ("CORS_ALLOW_ORIGIN", "shop.example"),
        ("CORS_ALLOW_ORIGIN", "https://shop.example/path"),
        ("LOG_FORMAT", "xml"),
        ("LOG_LEVEL", "verbose"),
    ] {
        let error =
            read(&[(name, value), URL, ("MAX_BODY_BYTES", "64KiB"), ("MAX_BUFFERED_BYTES", "2MiB")]).unwrap_err();
        assert!(error.starts_with(name), "{error}");
        assert!(error.contains(&format!("for example {name}=")), "{error}");
        assert!(!error.contains('\n') && !error.contains("hunter2"), "{error}");
    }
    assert_eq!(
        read(&[]).unwrap_err(),
        "DATABASE_URL is not set; for example DATABASE_URL=mysql://orders:password@db:3306/orders"
    );
}

#[test]
fn a_secret_is_not_in_the_debug_form() {
    assert!(!read(&[URL]).unwrap().contains("hunter2"));
}

#[test]
fn durations_and_sizes_are_read_with_their_units() {
    let configured =
        read(&[URL, ("IDLE_TIMEOUT", "2m"), ("WRITE_TIMEOUT", "250ms"), ("MAX_BODY_BYTES", "512")]).unwrap();
    for part in ["idle_timeout: 120s", "write_timeout: 250ms", "max_body_bytes: 512"] {
        assert!(configured.contains(part), "{configured}");
    }
}
