//! The whole table of orders as `GET /orders` must return it: many orders that never change, then the clients' orders.

use anyhow::{Context, Result, ensure};

use crate::client_model::order_json;

/// The orders that exist from the start and never change.
#[derive(Debug)]
pub(crate) struct OrderTable {
    /// Their JSON array without its closing bracket.
    prefix: String,
}

impl OrderTable {
    /// That many orders, from id 1.
    pub(crate) fn new(rows: u32) -> Self {
        let orders: Vec<String> = (1..=rows).map(|id| order_json(id, 0)).collect();
        Self { prefix: format!("[{}", orders.join(",")) }
    }

    /// The array without orders of clients.
    pub(crate) fn json(&self) -> String {
        format!("{}]", self.prefix)
    }

    /// Checks every byte of an array that was read while clients wrote, and returns the clients' orders: ids and
    /// versions.
    pub(crate) fn parse(&self, body: &[u8]) -> Result<Vec<(u32, u32)>> {
        let body = std::str::from_utf8(body)?;
        let rest = body.strip_prefix(&self.prefix).context("the orders that never change have changed")?;
        let rest = rest.strip_suffix(']').context("the array has no end")?;
        // The start of an order; its strings cannot contain it.
        let mut parts = rest.split(r#",{"order_id":"#);
        ensure!(parts.next() == Some(""), "something other than orders follows the orders that never change");
        let mut orders: Vec<(u32, u32)> = Vec::new();
        for part in parts {
            let (id, version) = id_and_version(part).with_context(|| format!("not an order: {part}"))?;
            let previous = orders.last().map_or(0, |(previous, _)| *previous);
            ensure!(previous < id, "order {id} follows order {previous}");
            let order = format!(r#"{{"order_id":{part}"#);
            ensure!(order == order_json(id, version), "order {id} differs from what was written: {order}");
            orders.push((id, version));
        }
        Ok(orders)
    }

    /// Checks the start of such an array.
    pub(crate) fn check_start(&self, body: &[u8]) -> Result<()> {
        let length = body.len().min(self.prefix.len());
        let expected = self.prefix.as_bytes().get(..length);
        ensure!(body.get(..length) == expected, "the orders that never change have changed");
        Ok(())
    }
}

/// Reads an order whose start was cut off. The version is the product's number less one.
fn id_and_version(order: &str) -> Option<(u32, u32)> {
    let (id, rest) = order.split_once(r#","product_id":"#)?;
    let (product, _) = rest.split_once(',')?;
    Some((id.parse().ok()?, product.parse::<u32>().ok()?.checked_sub(1)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(table: &OrderTable, orders: [(u32, u32); 2]) -> String {
        let orders = orders.map(|(id, version)| order_json(id, version)).join(",");
        format!("{},{orders}]", table.prefix)
    }

    #[test]
    fn a_table_is_right_only_when_sorted_complete_and_unchanged() -> Result<()> {
        let table = OrderTable::new(3);
        let orders = [(1_000_000, 4), (2_000_000, 0)];
        let right = with(&table, orders);
        assert_eq!(table.parse(right.as_bytes())?, orders);
        assert_eq!(table.parse(table.json().as_bytes())?, []);
        for wrong in [
            with(&table, [(2_000_000, 0), (1_000_000, 4)]),
            with(&table, [(1_000_000, 4), (1_000_000, 4)]),
            right.replace("15.00", "15.01"),
            right.replace(
                "\"tax\":2.05,\"shipping_address\":\"Peñón 2000000",
                "\"tax\":2.05,\"shipping_address\":\"Peñón 2",
            ),
            right.trim_end_matches(']').to_owned(),
            OrderTable::new(2).json(),
        ] {
            assert!(table.parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
        Ok(())
    }

    #[test]
    fn the_start_of_a_table_is_right_at_any_length() {
        let table = OrderTable::new(3);
        assert!(table.check_start(b"").is_ok());
        assert!(table.check_start(table.prefix.as_bytes().get(..50).unwrap_or_default()).is_ok());
        assert!(table.check_start(b"[]").is_err());
    }
}
