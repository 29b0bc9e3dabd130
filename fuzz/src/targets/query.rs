//! Query strings, and the numbers and ids in them.

use microservice::http::query::{Query, whole_number};
use order_service::domain::OrderId;

const KNOWN: [&str; 3] = ["limit", "after", "id"];

/// Accepted parameters are numbers in one notation. An error is short.
pub(crate) fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match Query::parse(&text, &KNOWN) {
        Ok(query) => {
            for name in KNOWN {
                if let Ok(Some(number)) = query.optional(name, whole_number, "is wrong") {
                    assert!(OrderId::new(number).is_none_or(|id| id.get() == number));
                }
            }
        }
        Err(problem) => assert!(problem.detail().chars().count() <= 512, "{}", problem.detail()),
    }
    if let Some(number) = whole_number(&text) {
        assert_eq!(text.trim_start_matches('0'), number.to_string().trim_start_matches('0'), "{text:?}");
    }
}
