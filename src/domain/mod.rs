//! What an order is: types that cannot hold a wrong value, and how they are read from and written as JSON.
//!
//! Knows no HTTP and no SQL, and does no I/O. A value is checked once, where it is parsed; who holds one need not ask again.

mod decode;
mod fields;
mod money;
mod order;
mod values;

pub use decode::{DecodeError, decode_batch, decode_draft};
pub use money::Money;
pub use order::{Draft, Order, OrderDetails};
pub use values::{Address, OrderId, ProductId, Quantity};

/// One field that is wrong, and how, in words for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name; in a batch behind the item's position, as in `[3].quantity`.
    pub field: String,
    /// What is wrong with it.
    pub detail: String,
}

impl FieldError {
    fn new(field: &str, detail: impl Into<String>) -> Self {
        Self { field: field.to_owned(), detail: detail.into() }
    }
}
