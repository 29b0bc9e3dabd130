//! Orders to send, and received orders, whose amounts stay text: a float would lose digits.

use serde::Deserialize;
use serde_json::value::RawValue;

/// An order as the service sends it, with exactly the documented fields.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The id.
    pub order_id: u32,
    /// The product.
    pub product_id: u32,
    /// The quantity.
    pub quantity: u32,
    amount: Box<RawValue>,
    shipping: Box<RawValue>,
    tax: Box<RawValue>,
    /// The address.
    pub shipping_address: String,
}

impl Order {
    /// The digits of the amount.
    pub fn amount(&self) -> &str {
        self.amount.get()
    }

    /// The digits of the shipping costs.
    pub fn shipping(&self) -> &str {
        self.shipping.get()
    }

    /// The digits of the tax.
    pub fn tax(&self) -> &str {
        self.tax.get()
    }

    /// Parses one order.
    #[track_caller]
    pub fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("not an order ({error}): {text}"))
    }

    /// Parses an array of orders.
    #[track_caller]
    pub fn read_all(text: &str) -> Vec<Self> {
        serde_json::from_str(text).unwrap_or_else(|error| {
            let start: String = text.chars().take(300).collect();
            panic!("not an array of orders ({error}): {start}…")
        })
    }
}

/// An order in exactly the form in which the service sends it, so that responses compare as text.
pub fn order(id: u32) -> String {
    let amounts = r#""amount":56.00,"shipping":15.00,"tax":2.00"#;
    format!(r#"{{"order_id":{id},"product_id":12,"quantity":2,{amounts},"shipping_address":"{id} Harbour Lane"}}"#)
}

/// An array of such orders.
pub fn orders(ids: impl IntoIterator<Item = u32>) -> String {
    let all: Vec<String> = ids.into_iter().map(order).collect();
    format!("[{}]", all.join(","))
}

/// Such an order with one field's JSON replaced; `None` omits the field.
pub fn with(id: u32, field: &str, json: Option<&str>) -> String {
    let fields = [
        ("order_id", id.to_string()),
        ("product_id", "12".to_owned()),
        ("quantity", "2".to_owned()),
        ("amount", "56.00".to_owned()),
        ("shipping", "15.00".to_owned()),
        ("tax", "2.00".to_owned()),
        ("shipping_address", format!(r#""{id} Harbour Lane""#)),
    ];
    assert!(fields.iter().any(|(name, _)| *name == field), "no such field: {field}");
    let kept: Vec<String> = fields
        .iter()
        .filter_map(|(name, usual)| {
            let value = if *name == field { json? } else { usual.as_str() };
            Some(format!(r#""{name}":{value}"#))
        })
        .collect();
    format!("{{{}}}", kept.join(","))
}
