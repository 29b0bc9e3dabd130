//! The model of one client: which orders it has written, and therefore what each response to it must be.
//!
//! Each client has a range of ids of its own, so no other client changes its orders.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use fastrand::Rng;
use testkit::Ledger;
use testkit::http::RawResponse;

use crate::messages;

mod exchange;

use exchange::Exchange;

/// Ids per client.
pub(crate) const IDS: u32 = 100;

/// The orders of one client. The ledger maps an order's id to its version.
#[derive(Debug)]
pub(crate) struct ClientModel {
    first_id: u32,
    ledger: Ledger<u32>,
    /// Entity tags that responses have named, by order id.
    tags: BTreeMap<u32, String>,
    /// Requests so far; the request ids count them.
    requests: u32,
}

impl ClientModel {
    /// The model of the client with this number, without orders.
    pub(crate) fn new(client: u32) -> Self {
        Self { first_id: (client + 1) * 1_000_000, ledger: Ledger::new(), tags: BTreeMap::new(), requests: 0 }
    }

    /// The writes of the client.
    pub(crate) fn into_ledger(self) -> Ledger<u32> {
        self.ledger
    }

    /// Makes one random request. `send` transmits it and returns the response, which is checked.
    pub(crate) fn step(&mut self, rng: &mut Rng, send: impl FnOnce(&[u8]) -> Result<RawResponse>) -> Result<()> {
        self.requests += 1;
        let exchange = self.next_exchange(rng);
        if let Some(write) = &exchange.write {
            self.ledger.sent(u64::from(write.id), write.version);
        }
        let outcome = send(exchange.request.as_bytes()).and_then(|response| self.check(&exchange, &response));
        match &exchange.write {
            Some(write) if outcome.is_err() => self.ledger.unknown(u64::from(write.id)),
            Some(write) if write.rejected => self.ledger.rejected(u64::from(write.id)),
            Some(write) => self.ledger.acknowledged(u64::from(write.id)),
            None => {}
        }
        outcome.with_context(|| exchange.request.lines().next().unwrap_or_default().to_owned())
    }

    /// Checks the response, and keeps or forgets the order's entity tag.
    fn check(&mut self, exchange: &Exchange, response: &RawResponse) -> Result<()> {
        let changed = exchange.write.as_ref().filter(|write| !write.rejected).map(|write| write.id);
        if let Some(id) = changed {
            self.tags.remove(&id);
        }
        let Some(id) = exchange.tagged else { return exchange.expected.check(response) };
        let known = self.tags.get(&id).cloned().or_else(|| messages::entity_tag(response));
        let tag = known.with_context(|| format!("no entity tag in {}", response.head.text))?;
        exchange.expected.clone().field("etag", &tag).check(response)?;
        self.tags.insert(id, tag);
        Ok(())
    }

    fn version(&self, id: u32) -> Option<u32> {
        self.ledger.get(u64::from(id)).copied()
    }

    /// The client's orders: ids and versions.
    fn orders(&self) -> impl Iterator<Item = (u32, u32)> {
        self.ledger.entries().filter_map(|(id, version)| Some((u32::try_from(id).ok()?, *version)))
    }
}

/// The JSON of an order, exactly as the service sends it. All its values follow from id and version.
pub(crate) fn order_json(id: u32, version: u32) -> String {
    let (product, quantity) = (version + 1, id % 9 + 1);
    let cents = (u64::from(id) * 7_919 + u64::from(version) * 104_729) % 10_000_000;
    let amount = format!("{}.{:02}", cents / 100, cents % 100);
    let numbers = format!(r#""order_id":{id},"product_id":{product},"quantity":{quantity},"amount":{amount}"#);
    let address = format!("Peñón {id}, {version}. Stock");
    format!(r#"{{{numbers},"shipping":15.00,"tax":2.05,"shipping_address":"{address}"}}"#)
}

#[cfg(test)]
mod tests {
    use anyhow::bail;
    use testkit::http::RawHead;

    use super::*;
    use crate::random;

    #[test]
    fn a_response_with_another_order_is_wrong_and_proves_no_write() {
        let (mut model, mut rng) = (ClientModel::new(0), random::for_client(1, 1));
        for _ in 0..200 {
            let head = RawHead { status: 200, text: "HTTP/1.1 200 OK\r\n\r\n".to_owned() };
            let response = RawResponse { head, body: order_json(7, 7).into() };
            assert!(model.step(&mut rng, |_| Ok(response)).is_err());
        }
        assert_eq!(model.orders().count(), 0);
    }

    #[test]
    fn a_write_without_a_response_has_an_unknown_outcome() {
        let (mut model, mut rng) = (ClientModel::new(0), random::for_client(1, 1));
        for _ in 0..200 {
            assert!(model.step(&mut rng, |_| bail!("reset")).is_err());
        }
        let counts = model.into_ledger().counts();
        assert!(counts.unknown > 0 && counts.acknowledged == 0, "{counts:?}");
    }

    #[test]
    fn versions_of_an_order_differ() {
        assert_ne!(order_json(1, 0), order_json(1, 1));
        assert_ne!(order_json(1, 0), order_json(2, 0));
    }
}
