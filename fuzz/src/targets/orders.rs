//! Bodies: one order, and arrays of orders.

use order_service::domain::{DecodeError, decode_batch, decode_draft};
use serde_json::Value;

pub(crate) const DICTIONARY: &[&str] = &[
    "\"order_id\":",
    "\"product_id\":",
    "\"quantity\":",
    "\"amount\":",
    "\"shipping\":",
    "\"tax\":",
    "\"shipping_address\":",
    "4294967295",
    "1e2",
    "null",
    "\\u0000",
    "\\ud800",
    "{\"",
    "},{",
    "[",
    "]",
];

/// Orders in a batch.
const MAX_BATCH: usize = 4;

/// The longest message for a client, in bytes, whatever the client sent.
const MAX_ERROR_BYTES: usize = 8_192;

/// An order that is accepted is JSON, and the same after encoding and decoding. An error is short.
pub(crate) fn one(input: &[u8]) {
    match decode_draft(input) {
        Ok(draft) => {
            assert!(serde_json::from_slice::<Value>(input).is_ok(), "accepted, but not JSON");
            if let Ok(order) = draft.into_order() {
                let json = order.to_json();
                let again = decode_draft(&json).map(|draft| draft.into_order());
                assert_eq!(again, Ok(Ok(order)), "changed by encoding and decoding");
            }
        }
        Err(error) => check_error(&error),
    }
}

/// A batch that is accepted is an array of orders that are accepted one by one.
pub(crate) fn batch(input: &[u8]) {
    match decode_batch(input, MAX_BATCH) {
        Ok(orders) => {
            assert!(orders.len() <= MAX_BATCH, "more orders than allowed");
            let values = serde_json::from_slice::<Vec<Value>>(input).map(|values| values.len());
            assert_eq!(values.ok(), Some(orders.len()), "accepted, but not an array of as many values");
            for order in orders {
                assert_eq!(decode_draft(&order.to_json()).map(|draft| draft.into_order()), Ok(Ok(order)));
            }
        }
        Err(error) => check_error(&error),
    }
}

fn check_error(error: &DecodeError) {
    let length = format!("{error:?}").len();
    assert!(length <= MAX_ERROR_BYTES, "an error of {length} bytes");
    if let DecodeError::Fields(fields) = error {
        assert!((1..=20).contains(&fields.len()), "{} wrong fields", fields.len());
    }
}
