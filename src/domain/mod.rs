//! Orders: types that hold only valid values, and their JSON.
//!
//! This module knows no HTTP and no SQL, and does no I/O. Each value is validated once, where it is parsed.

mod decimal;
mod decode;
mod fields;
mod json_array;
mod money;
mod order;
mod values;

pub use decode::{BatchDecoder, DecodeError, decode_batch, decode_draft};
pub use money::Money;
pub use order::{Draft, Order, OrderDetails};
pub use values::{Address, OrderId, ProductId, Quantity, WHOLE_NUMBER};

/// A field that is wrong, for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name. In a batch the item's index comes first, as in `[3].quantity`.
    pub field: String,
    /// What is wrong with it.
    pub detail: String,
}

impl FieldError {
    fn new(field: &str, detail: impl Into<String>) -> Self {
        Self { field: field.to_owned(), detail: detail.into() }
    }
}
