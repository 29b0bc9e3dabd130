//! Query strings, and the numbers and ids in them.

use microservice::api::Parameter;
use microservice::api::parameter::{AnyParameter, whole_number};
use microservice::http::query::Query;
use order_service::domain::OrderId;

const fn known(name: &'static str) -> Parameter<u32> {
    Parameter::optional(name, whole_number::<0, { u32::MAX }>(), "1", "")
}

static KNOWN: [Parameter<u32>; 3] = [known("limit"), known("after"), known("id")];

/// Accepted parameters are numbers in one notation. An error is short.
pub(crate) fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match Query::parse(&text, &KNOWN.each_ref().map(|parameter| parameter as &dyn AnyParameter)) {
        Ok(query) => {
            for parameter in &KNOWN {
                if let Ok(Some(number)) = query.optional(parameter) {
                    assert!(OrderId::new(number).is_none_or(|id| id.get() == number));
                }
            }
        }
        Err(problem) => assert!(problem.detail().chars().count() <= 512, "{}", problem.detail()),
    }
    if let Ok(number) = known("id").parse(&text) {
        assert_eq!(text.trim_start_matches('0'), number.to_string().trim_start_matches('0'), "{text:?}");
    }
}
