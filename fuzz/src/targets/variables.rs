//! Values of variables. They come from the operator, who must get one line that says what is wrong, and no secret.

use microservice::config::{Environment, types};
use microservice::database::DatabaseSettings;

pub(crate) const DICTIONARY: &[&str] = &[
    "mysql://",
    "@",
    ":3306",
    "/orders",
    "?require_ssl=",
    "true",
    "&",
    "%3F",
    "KiB",
    "MiB",
    "ms",
    "1h30m",
    "https://",
];

/// Any value is accepted or rejected with one line.
pub(crate) fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let lookup = |name: &str| (name == "DATABASE_URL").then(|| text.to_string());
    if let Err(error) = DatabaseSettings::read(&Environment::new(&lookup)) {
        let message = error.to_string();
        assert!(!message.contains('\n') && message.len() < 300, "{message}");
    }
    microservice::fuzzing::access_settings(&text);
    let errors = [
        (types::DURATION.parse)(&text).err(),
        (types::DURATION_OR_ZERO.parse)(&text).err(),
        (types::size::<1, 1_048_576>().parse)(&text).err(),
        (types::count::<1, 1000>().parse)(&text).err(),
        (types::ADDRESS.parse)(&text).err(),
        (types::ORIGIN.parse)(&text).err(),
    ];
    for error in errors.into_iter().flatten() {
        assert!(!error.contains('\n') && error.len() < 300, "{error}");
    }
}
