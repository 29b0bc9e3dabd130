//! From an order to a row's values, and back.

use microservice::database::{DatabaseError, Row, Value};

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

/// The order in a row with [`COLUMNS`]. Fails for a row that another program wrote and that is not valid here.
pub(super) fn order_from_row(row: Row) -> Result<Order, DatabaseError> {
    let id = row.get_opt::<String, _>(0).and_then(Result::ok).unwrap_or_default();
    let values = row.unwrap_raw().into_iter().flatten().collect::<Vec<_>>();
    <[Value; 7]>::try_from(values).ok().and_then(order_from_values).ok_or_else(|| {
        DatabaseError::Internal(format!("the row with order_id {id:?} is not a valid order: another program wrote it"))
    })
}

fn order_from_values(values: [Value; 7]) -> Option<Order> {
    let [id, product_id, quantity, amount, shipping, tax, address] = values;
    Some(Order {
        id: OrderId::new(number(&id)?)?,
        details: OrderDetails {
            product_id: ProductId::new(number(&product_id)?)?,
            quantity: Quantity::new(number(&quantity)?)?,
            amount: money(&amount)?,
            shipping: money(&shipping)?,
            tax: money(&tax)?,
            shipping_address: Address::new(text(address)?).ok()?,
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
