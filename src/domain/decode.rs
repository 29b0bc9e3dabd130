//! From JSON text to orders, naming every field that is wrong.

use std::fmt;

use serde::de::{Deserializer as _, Error as _, SeqAccess, Visitor};
use serde_json::error::Category;

use super::fields::{Fields, MAX_FAULTS};
use super::{Address, Draft, FieldError, Order, OrderDetails, OrderId, ProductId, Quantity};

/// Why a text is no order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecodeError {
    /// It is not JSON; where, in words.
    Syntax(String),
    /// It is JSON but not the value that is asked for (not an object, not an array); in words.
    Shape(String),
    /// Fields are wrong: at least one, at most twenty.
    Fields(Vec<FieldError>),
}

impl DecodeError {
    /// serde's own words for a wrong value quote it, however long it is: ours say what was wanted, and where.
    fn from_json(error: &serde_json::Error, wanted: &str) -> Self {
        match error.classify() {
            Category::Data => {
                Self::Shape(format!("{wanted}, but is not at line {} column {}", error.line(), error.column()))
            }
            Category::Syntax | Category::Eof | Category::Io => Self::Syntax(error.to_string()),
        }
    }
}

/// Reads one order.
///
/// # Errors
/// What is wrong with the text, all faulty fields at once.
pub fn decode_draft(json: &[u8]) -> Result<Draft, DecodeError> {
    let wanted = "the body must be an order, which is an object";
    let fields = serde_json::from_slice(json).map_err(|error| DecodeError::from_json(&error, wanted))?;
    draft(fields).map_err(DecodeError::Fields)
}

/// Reads an array of orders, each with its id; at most `most` of them.
///
/// # Errors
/// What is wrong with the text; fields are named with the item they stand in, as in `[3].quantity`.
pub fn decode_batch(json: &[u8], most: usize) -> Result<Vec<Order>, DecodeError> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let mut faults = Vec::new();
    let wanted = format!("the body must be an array of at most {most} orders, which are objects");
    let orders = deserializer
        .deserialize_seq(BatchVisitor { most, faults: &mut faults })
        .and_then(|orders| deserializer.end().map(|()| orders))
        .map_err(|error| DecodeError::from_json(&error, &wanted))?;
    if faults.is_empty() { Ok(orders) } else { Err(DecodeError::Fields(faults)) }
}

/// Turns the fields into what they say.
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
            if !fields.has_faults() =>
        {
            let details = OrderDetails { product_id, quantity, amount, shipping, tax, shipping_address };
            Ok(Draft { id, details })
        }
        _ => Err(fields.into_faults()),
    }
}

/// Reads the array item by item: no second copy of the text is ever held.
struct BatchVisitor<'f> {
    most: usize,
    faults: &'f mut Vec<FieldError>,
}

impl<'de> Visitor<'de> for BatchVisitor<'_> {
    type Value = Vec<Order>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of orders")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Vec<Order>, A::Error> {
        let mut orders = Vec::new();
        let mut position = 0_usize;
        while let Some(fields) = items.next_element()? {
            if position == self.most {
                return Err(A::Error::invalid_length(position, &self));
            }
            match draft(fields).and_then(|draft| draft.into_order().map_err(|fault| vec![fault])) {
                Ok(order) if self.faults.is_empty() => orders.push(order),
                Ok(_) => {}
                Err(faults) => self.note(position, faults),
            }
            position += 1;
        }
        Ok(orders)
    }
}

impl BatchVisitor<'_> {
    fn note(&mut self, position: usize, faults: Vec<FieldError>) {
        let room = MAX_FAULTS.saturating_sub(self.faults.len());
        self.faults.extend(
            faults
                .into_iter()
                .take(room)
                .map(|fault| FieldError { field: format!("[{position}].{}", fault.field), ..fault }),
        );
    }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
