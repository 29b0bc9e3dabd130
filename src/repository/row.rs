//! From an order to a row's values, and back.

use microservice::database::{Row, Value};

use super::InvalidRow;
use crate::domain::{Address, Money, Order, OrderDetails, OrderId, ProductId, Quantity};

/// The columns, as every statement here lists them.
pub(super) const COLUMNS: &str = "order_id, product_id, quantity, amount, shipping, tax, shipping_address";

/// An order's values, as [`COLUMNS`] lists them.
pub(super) fn order_parameters(id: OrderId, details: &OrderDetails) -> [Value; 7] {
    let [product_id, quantity, amount, shipping, tax, address] = detail_parameters(details);
    [id.get().into(), product_id, quantity, amount, shipping, tax, address]
}

/// The same without the id.
pub(super) fn detail_parameters(details: &OrderDetails) -> [Value; 6] {
    [
        details.product_id.get().into(),
        details.quantity.get().into(),
        details.amount.to_string().into(),
        details.shipping.to_string().into(),
        details.tax.to_string().into(),
        details.shipping_address.as_str().into(),
    ]
}

/// The order in a row with [`COLUMNS`].
///
/// # Errors
/// Another program wrote the row, and it is no valid order.
pub(super) fn order_from_row(row: Row) -> Result<Order, InvalidRow> {
    let values: Vec<Value> = row.unwrap_raw().into_iter().map(|value| value.unwrap_or(Value::NULL)).collect();
    match <[Value; 7]>::try_from(values) {
        Ok(values) => order_from_values(values),
        Err(_) => Err(InvalidRow { order_id: 0, column: "number of columns" }),
    }
}

fn order_from_values(values: [Value; 7]) -> Result<Order, InvalidRow> {
    let [id, product_id, quantity, amount, shipping, tax, address] = values;
    let order_id = number(&id).unwrap_or_default();
    let invalid = |column| InvalidRow { order_id, column };
    Ok(Order {
        id: OrderId::new(order_id).ok_or(invalid("order_id"))?,
        details: OrderDetails {
            product_id: number(&product_id).and_then(ProductId::new).ok_or(invalid("product_id"))?,
            quantity: number(&quantity).and_then(Quantity::new).ok_or(invalid("quantity"))?,
            amount: money(&amount).ok_or(invalid("amount"))?,
            shipping: money(&shipping).ok_or(invalid("shipping"))?,
            tax: money(&tax).ok_or(invalid("tax"))?,
            shipping_address: text(address)
                .and_then(|address| Address::new(address).ok())
                .ok_or(invalid("shipping_address"))?,
        },
    })
}

fn number(value: &Value) -> Option<u32> {
    match *value {
        Value::Int(number) => u32::try_from(number).ok(),
        Value::UInt(number) => u32::try_from(number).ok(),
        _ => None,
    }
}

fn money(value: &Value) -> Option<Money> {
    match value {
        Value::Bytes(bytes) => Money::parse(std::str::from_utf8(bytes).ok()?).ok(),
        _ => None,
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::Bytes(bytes) => String::from_utf8(bytes).ok(),
        _ => None,
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn values() -> [Value; 7] {
        let text = |text: &str| Value::Bytes(text.into());
        [Value::Int(7), Value::Int(12), Value::UInt(2), text("56.00"), text("15.00"), text("2.00"), text("1 Quay")]
    }

    #[test]
    fn an_invalid_row_names_its_id_and_column() {
        assert!(order_from_values(values()).is_ok());
        let text = |text: &[u8]| Value::Bytes(text.into());
        for (index, value, column) in [
            (0, Value::Int(0), "order_id"),
            (1, Value::Int(0), "product_id"),
            (1, Value::NULL, "product_id"),
            (2, Value::Int(-1), "quantity"),
            (3, text(b"-0.01"), "amount"),
            (4, text(b"10000000000.00"), "shipping"),
            (5, Value::Double(1.0), "tax"),
            (6, text(b"a\nb"), "shipping_address"),
            (6, text(b"\xff"), "shipping_address"),
            (6, Value::NULL, "shipping_address"),
        ] {
            let mut row = values();
            row[index] = value;
            let order_id = if index == 0 { 0 } else { 7 };
            assert_eq!(order_from_values(row), Err(InvalidRow { order_id, column }));
        }
    }
}
