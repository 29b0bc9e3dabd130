//! Decodes JSON into orders. Errors name every field that is wrong.

use std::fmt;

use serde::de::{Deserializer as _, Error as _, SeqAccess, Visitor};
use serde_json::error::Category;

use super::fields::{Fields, MAX_FIELD_ERRORS};
use super::{Address, Draft, FieldError, Order, OrderDetails, OrderId, ProductId, Quantity};

/// Why a text cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecodeError {
    /// The text is not JSON; a message with the position.
    Syntax(String),
    /// The text is JSON, but not an object or not an array; a message.
    Shape(String),
    /// Between one and twenty fields are wrong.
    Fields(Vec<FieldError>),
}

impl DecodeError {
    /// serde's message for a wrong value quotes it, however long it is. This one says what was expected, and where.
    fn from_json(error: &serde_json::Error, expected: &str) -> Self {
        match error.classify() {
            Category::Data => {
                Self::Shape(format!("{expected}; the error is at line {} column {}", error.line(), error.column()))
            }
            Category::Syntax | Category::Eof | Category::Io => Self::Syntax(error.to_string()),
        }
    }
}

/// Decodes one order.
///
/// # Errors
/// What is wrong with the text. All wrong fields are reported together.
pub fn decode_draft(json: &[u8]) -> Result<Draft, DecodeError> {
    let expected = "the body must be a JSON object with an order";
    let fields = serde_json::from_slice(json).map_err(|error| DecodeError::from_json(&error, expected))?;
    draft(fields).map_err(DecodeError::Fields)
}

/// Decodes an array of at most `max` orders, each with its id.
///
/// # Errors
/// What is wrong with the text. Fields are named with the item's index, as in `[3].quantity`.
pub fn decode_batch(json: &[u8], max: usize) -> Result<Vec<Order>, DecodeError> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let mut errors = Vec::new();
    let expected = format!("the body must be a JSON array of at most {max} objects with orders");
    let orders = deserializer
        .deserialize_seq(BatchVisitor { max, errors: &mut errors })
        .and_then(|orders| deserializer.end().map(|()| orders))
        .map_err(|error| DecodeError::from_json(&error, &expected))?;
    if errors.is_empty() { Ok(orders) } else { Err(DecodeError::Fields(errors)) }
}

/// Validates the fields.
fn draft(mut fields: Fields<'_>) -> Result<Draft, Vec<FieldError>> {
    let id = fields.optional("order_id", OrderId::from_json);
    let product_id = fields.required("product_id", ProductId::from_json);
    let quantity = fields.required("quantity", Quantity::from_json);
    let amount = fields.money("amount");
    let shipping = fields.money("shipping");
    let tax = fields.money("tax");
    let shipping_address = fields.required("shipping_address", Address::from_json);
    match (product_id, quantity, amount, shipping, tax, shipping_address) {
        (Some(product_id), Some(quantity), Some(amount), Some(shipping), Some(tax), Some(shipping_address))
            if !fields.has_errors() =>
        {
            let details = OrderDetails { product_id, quantity, amount, shipping, tax, shipping_address };
            Ok(Draft { id, details })
        }
        _ => Err(fields.into_errors()),
    }
}

/// Decodes the array item by item, without a second copy of the text.
struct BatchVisitor<'f> {
    max: usize,
    errors: &'f mut Vec<FieldError>,
}

impl<'de> Visitor<'de> for BatchVisitor<'_> {
    type Value = Vec<Order>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of orders")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Vec<Order>, A::Error> {
        let mut orders = Vec::new();
        let mut index = 0_usize;
        while let Some(fields) = items.next_element()? {
            if index == self.max {
                return Err(A::Error::invalid_length(index, &self));
            }
            match draft(fields).and_then(|draft| draft.into_order().map_err(|error| vec![error])) {
                Ok(order) if self.errors.is_empty() => orders.push(order),
                Ok(_) => {}
                Err(errors) => self.add_errors(index, errors),
            }
            index += 1;
        }
        Ok(orders)
    }
}

impl BatchVisitor<'_> {
    fn add_errors(&mut self, index: usize, errors: Vec<FieldError>) {
        let remaining = MAX_FIELD_ERRORS.saturating_sub(self.errors.len());
        let name = |error: FieldError| FieldError { field: format!("[{index}].{}", error.field), ..error };
        self.errors.extend(errors.into_iter().take(remaining).map(name));
    }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
