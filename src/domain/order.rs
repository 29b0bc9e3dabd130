//! The order itself.

use std::io::Write as _;

use super::{Address, FieldError, Money, OrderId, ProductId, Quantity};

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// What it is known by.
    pub id: OrderId,
    /// All the rest.
    pub details: OrderDetails,
}

/// What an order says, apart from its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderDetails {
    /// The product.
    pub product_id: ProductId,
    /// How many of it.
    pub quantity: Quantity,
    /// The price of the goods.
    pub amount: Money,
    /// The price of the shipping.
    pub shipping: Money,
    /// The tax on it.
    pub tax: Money,
    /// Where it goes.
    pub shipping_address: Address,
}

/// An order as a client sends it: it may leave the id to the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The id the client chose, if it chose one.
    pub id: Option<OrderId>,
    /// All the rest.
    pub details: OrderDetails,
}

impl Draft {
    /// The order, where the client must name its id.
    ///
    /// # Errors
    /// The field `order_id` is missing.
    pub fn into_order(self) -> Result<Order, FieldError> {
        match self.id {
            Some(id) => Ok(Order { id, details: self.details }),
            None => Err(FieldError::new("order_id", "is missing")),
        }
    }

    /// The order under an id that is already known, as from a path.
    ///
    /// # Errors
    /// The field `order_id` is there and names another order.
    pub fn into_order_with(self, id: OrderId) -> Result<Order, FieldError> {
        match self.id {
            Some(other) if other != id => {
                Err(FieldError::new("order_id", format!("must be {id} as in the path, or be left out")))
            }
            _ => Ok(Order { id, details: self.details }),
        }
    }
}

impl Order {
    /// Appends the order as a JSON object: the fields in the order of `orders.json`, money with two decimals.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        let details = &self.details;
        // Neither can fail: a Vec takes all that is written to it, and a str is always JSON's to write.
        let _ = write!(
            out,
            r#"{{"order_id":{},"product_id":{},"quantity":{},"amount":{},"shipping":{},"tax":{},"shipping_address":"#,
            self.id, details.product_id, details.quantity, details.amount, details.shipping, details.tax,
        );
        let _ = serde_json::to_writer(&mut *out, details.shipping_address.as_str());
        out.push(b'}');
    }

    /// The order as a JSON object of its own.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(192);
        self.write_json(&mut out);
        out
    }
}
