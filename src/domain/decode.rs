//! Decodes JSON into orders. Errors name every field that is wrong.

use serde_json::error::Category;

use super::fields::{Fields, MAX_FIELD_ERRORS};
use super::json_array::{ArraySplitter, Position, SplitError};
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

/// Decodes an array of at most `max` orders that is there as a whole, each with its id.
///
/// # Errors
/// What is wrong with the text. Fields are named with the item's index, as in `[3].quantity`.
pub fn decode_batch(json: &[u8], max: usize) -> Result<Vec<Order>, DecodeError> {
    let mut decoder = BatchDecoder::new(max, json.len());
    decoder.push(json)?;
    decoder.finish()
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

/// Decodes an array of orders while its text arrives. So a long text is neither held as a whole nor decoded at one go.
#[derive(Debug)]
pub struct BatchDecoder {
    splitter: ArraySplitter,
    items: Items,
}

/// The items so far.
#[derive(Debug)]
struct Items {
    orders: Vec<Order>,
    errors: Vec<FieldError>,
    index: usize,
    max: usize,
    max_order_bytes: usize,
}

impl BatchDecoder {
    /// For an array of at most `max` orders, each with its id and of at most `max_order_bytes`.
    #[must_use]
    pub fn new(max: usize, max_order_bytes: usize) -> Self {
        let items = Items { orders: Vec::new(), errors: Vec::new(), index: 0, max, max_order_bytes };
        Self { splitter: ArraySplitter::new(max_order_bytes), items }
    }

    /// Decodes the next piece of the text.
    ///
    /// # Errors
    /// What is wrong with the text, unless it is only fields: [`BatchDecoder::finish`] reports those together.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), DecodeError> {
        let items = &mut self.items;
        let result = self.splitter.push(piece, |json, start| items.decode(json, start).map_err(BatchError::Item));
        result.map_err(|error| self.items.describe(error))
    }

    /// The orders, at the end of the text.
    ///
    /// # Errors
    /// What is wrong with the text. Fields are named with the item's index, as in `[3].quantity`.
    pub fn finish(self) -> Result<Vec<Order>, DecodeError> {
        self.splitter.finish().map_err(|error| self.items.describe(BatchError::Split(error)))?;
        let Items { orders, errors, .. } = self.items;
        if errors.is_empty() { Ok(orders) } else { Err(DecodeError::Fields(errors)) }
    }
}

/// Why an array cannot be split, or an item of it cannot be decoded.
enum BatchError {
    Split(SplitError),
    Item(DecodeError),
}

impl From<SplitError> for BatchError {
    fn from(error: SplitError) -> Self {
        Self::Split(error)
    }
}

impl Items {
    fn decode(&mut self, json: &[u8], start: Position) -> Result<(), DecodeError> {
        if self.index == self.max {
            return Err(self.wrong_shape(start));
        }
        let fields: Fields<'_> = serde_json::from_slice(json).map_err(|error| self.describe_item(&error, start))?;
        // Further errors would not be reported. Describing them is most of the time of a wrong item.
        if self.errors.len() < MAX_FIELD_ERRORS {
            match draft(fields).and_then(|draft| draft.into_order().map_err(|error| vec![error])) {
                Ok(order) if self.errors.is_empty() => self.orders.push(order),
                Ok(_) => {}
                Err(errors) => self.add_errors(errors),
            }
        }
        self.index += 1;
        Ok(())
    }

    fn add_errors(&mut self, errors: Vec<FieldError>) {
        // The orders are of no use any more.
        self.orders = Vec::new();
        let (index, remaining) = (self.index, MAX_FIELD_ERRORS.saturating_sub(self.errors.len()));
        let name = |error: FieldError| FieldError { field: format!("[{index}].{}", error.field), ..error };
        self.errors.extend(errors.into_iter().take(remaining).map(name));
    }

    fn describe(&self, error: BatchError) -> DecodeError {
        match error {
            BatchError::Item(error) => error,
            BatchError::Split(SplitError::Syntax(problem, at)) => {
                DecodeError::Syntax(format!("{problem} at line {} column {}", at.line, at.column))
            }
            BatchError::Split(SplitError::NotAnArray(at)) => self.wrong_shape(at),
            BatchError::Split(SplitError::TooLong(at)) => DecodeError::Shape(format!(
                "an order may have {} bytes; the one at line {} column {} has more",
                self.max_order_bytes, at.line, at.column
            )),
        }
    }

    /// serde counts from the item's start.
    fn describe_item(&self, error: &serde_json::Error, start: Position) -> DecodeError {
        let line = start.line + error.line().saturating_sub(1);
        let column = if error.line() > 1 { error.column() } else { start.column + error.column().saturating_sub(1) };
        match error.classify() {
            Category::Data => self.wrong_shape(Position { line, column }),
            Category::Syntax | Category::Eof | Category::Io => {
                let text = error.to_string();
                let problem = text.rsplit_once(" at line ").map_or(text.as_str(), |(problem, _)| problem);
                DecodeError::Syntax(format!("{problem} at line {line} column {column}"))
            }
        }
    }

    fn wrong_shape(&self, at: Position) -> DecodeError {
        let expected = format!("the body must be a JSON array of at most {} objects with orders", self.max);
        DecodeError::Shape(format!("{expected}; the error is at line {} column {}", at.line, at.column))
    }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
