//! The order.

use std::io::Write as _;

use super::fields::NAMES;
use super::{Address, FieldError, Money, OrderId, ProductId, Quantity};

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The order's id.
    pub id: OrderId,
    /// All other fields.
    pub details: OrderDetails,
}

/// An order's fields except its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderDetails {
    /// The product.
    pub product_id: ProductId,
    /// The number of items.
    pub quantity: Quantity,
    /// The price of the goods.
    pub amount: Money,
    /// The price of the shipping.
    pub shipping: Money,
    /// The tax.
    pub tax: Money,
    /// The address that the order is shipped to.
    pub shipping_address: Address,
}

/// An order as a client sends it. The service chooses the id if the client does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The client's choice of an id.
    pub id: Option<OrderId>,
    /// All other fields.
    pub details: OrderDetails,
}

impl Draft {
    /// The order, for requests that must contain its id.
    ///
    /// # Errors
    /// The field `order_id` is missing.
    pub fn into_order(self) -> Result<Order, FieldError> {
        match self.id {
            Some(id) => Ok(Order { id, details: self.details }),
            None => Err(FieldError::new("order_id", "is missing")),
        }
    }

    /// The order with an id from the path.
    ///
    /// # Errors
    /// The field `order_id` names another order.
    pub fn into_order_with(self, id: OrderId) -> Result<Order, FieldError> {
        match self.id {
            Some(other) if other != id => {
                Err(FieldError::new("order_id", format!("must be {id} as in the path, or be omitted")))
            }
            _ => Ok(Order { id, details: self.details }),
        }
    }
}

impl Draft {
    /// The JSON Schema of what [`decode_draft`](super::decode_draft) takes.
    #[must_use]
    pub fn schema() -> String {
        let [_, required @ ..] = NAMES;
        schema(&required)
    }
}

/// The JSON Schema of an order with these required fields.
fn schema(required: &[&str]) -> String {
    let fields = [
        ("order_id", OrderId::schema(), "The order's id, unique."),
        ("product_id", ProductId::schema(), "The product."),
        ("quantity", Quantity::schema(), "The number of items."),
        ("amount", Money::schema(), "The price of the goods, exact: at most two decimals."),
        ("shipping", Money::schema(), "The price of the shipping, exact: at most two decimals."),
        ("tax", Money::schema(), "The tax, exact: at most two decimals."),
        ("shipping_address", Address::schema(), "The address, not all blank, without control characters."),
    ];
    let described = fields.map(|(name, schema, meaning)| {
        let members = schema.trim_start_matches('{');
        format!(r#""{name}":{{"description":"{meaning}",{members}"#)
    });
    let properties = described.join(",");
    format!(r#"{{"type":"object","required":{required:?},"properties":{{{properties}}},"additionalProperties":false}}"#)
}

impl Order {
    /// The JSON Schema of an order: all fields are required.
    #[must_use]
    pub fn schema() -> String {
        schema(&NAMES)
    }

    /// Appends the order as a JSON object: fields as in `orders.json`, money with two decimals.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        let details = &self.details;
        // Neither write can fail: a Vec grows as needed, and every str can be encoded.
        let _ = write!(
            out,
            r#"{{"order_id":{},"product_id":{},"quantity":{},"amount":{},"shipping":{},"tax":{},"shipping_address":"#,
            self.id, details.product_id, details.quantity, details.amount, details.shipping, details.tax,
        );
        let _ = serde_json::to_writer(&mut *out, details.shipping_address.as_str());
        out.push(b'}');
    }

    /// The order as a JSON object.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(192);
        self.write_json(&mut out);
        out
    }
}
