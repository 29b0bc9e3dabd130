//! Orders as JSON, for the API's description, with the walkthrough's files as examples.

use microservice::api::{Example, JsonType, Tag};

use crate::domain::{Draft, Order};

/// The operations on orders as resources.
pub(super) const ORDERS_TAG: Tag = Tag { name: "Orders", meaning: "Orders as resources." };

/// The calls of the walkthrough.
pub(super) const WALKTHROUGH: Tag = Tag {
    name: "Walkthrough",
    meaning: "Orders by the calls of the walkthrough. They accept JSON also as \
              `application/x-www-form-urlencoded`, which `curl -d` declares.",
};

/// An order.
pub(super) const ORDER: JsonType = JsonType::new("Order", || Order::schema().into());

/// An order without an id of its own.
pub(super) const NEW_ORDER: JsonType = JsonType::new("NewOrder", || Draft::schema().into());

/// Orders.
pub(super) const ORDERS: JsonType =
    JsonType::new("Orders", || format!(r#"{{"type":"array","items":{}}}"#, ORDER.reference()).into())
        .with_parts(&[&ORDER]);

/// The orders that the walkthrough creates.
pub(super) const FIVE_ORDERS: Example = Example::new("five-orders", include_str!("../../orders.json"));

/// The order that the walkthrough changes.
pub(super) const ONE_ORDER: Example = Example::new("an-order", include_str!("../../update_order.json"));

/// An order whose id the service chooses.
pub(super) const WITHOUT_ID: Example = Example::new(
    "without-id",
    r#"{"product_id":12,"quantity":2,"amount":56.00,"shipping":15.00,"tax":2.00,"shipping_address":"22 Ship St"}"#,
);
