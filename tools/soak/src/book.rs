//! A client's orders as they must be: what it asks next, what the answer must be to the byte, and what has changed then.
//!
//! Each client has ids of its own, so that nobody else changes what it knows.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

use crate::numbers::Numbers;
use crate::reply::{self, TAG};

mod exchange;

/// How many ids a client has.
pub(crate) const IDS: u32 = 100;

/// What a client knows of its orders.
#[derive(Debug)]
pub(crate) struct Book {
    first: u32,
    orders: BTreeMap<u32, Known>,
    /// Requests so far; the next one's id is made of it.
    asked: u32,
}

/// An order that is there.
#[derive(Clone, Debug)]
struct Known {
    version: u32,
    /// Its entity tag, once an answer has said it.
    tag: Option<String>,
}

impl Book {
    /// The book of the client with this number: no orders yet.
    pub(crate) fn of(client: u32) -> Self {
        Self { first: (client + 1) * 1_000_000, orders: BTreeMap::new(), asked: 0 }
    }

    /// The orders as the service lists them.
    pub(crate) fn texts(&self) -> impl Iterator<Item = String> {
        self.orders.iter().map(|(id, known)| order(*id, known.version))
    }

    /// Asks for something through `ask`, which sends a request and gives the answer, and checks that answer.
    pub(crate) fn step(&mut self, numbers: &mut Numbers, ask: impl FnOnce(&[u8]) -> Result<String>) -> Result<()> {
        self.asked += 1;
        let exchange = self.exchange(numbers);
        let first = exchange.request.lines().next().unwrap_or_default();
        let answer = ask(exchange.request.as_bytes()).with_context(|| first.to_owned())?;
        let answer = self.without_link(&answer);
        let tag = exchange.tagged.map(|id| self.learn(id, exchange.changes, &answer)).transpose();
        let tag = tag.with_context(|| first.to_owned())?.unwrap_or_default();
        let expected = exchange.answer.replace(TAG, &tag);
        ensure!(answer == expected, "{first}: instead of\n{expected}\nthis came:\n{answer}");
        match exchange.changes {
            Some((id, Some(version))) => {
                let tag = exchange.tagged.map(|_| tag);
                self.orders.insert(id, Known { version, tag });
            }
            Some((id, None)) => drop(self.orders.remove(&id)),
            None => {}
        }
        Ok(())
    }

    /// The order's tag: the known one, or the one in the answer where the order is new.
    fn learn(&mut self, id: u32, changes: Option<(u32, Option<u32>)>, answer: &str) -> Result<String> {
        let known = self.orders.get_mut(&id).filter(|_| changes.is_none());
        if let Some(tag) = known.as_ref().and_then(|known| known.tag.clone()) {
            return Ok(tag);
        }
        let tag = reply::tag_of(answer).with_context(|| format!("no entity tag in:\n{answer}"))?;
        if let Some(known) = known {
            known.tag = Some(tag.clone());
        }
        Ok(tag)
    }

    /// The answer without the link to a next page, which is there when another client has orders behind this one's.
    fn without_link(&self, answer: &str) -> String {
        let last = self.orders.keys().next_back().copied().unwrap_or_default();
        answer.replacen(&format!("link: </orders?limit={}&after={last}>; rel=\"next\"\r\n", self.orders.len()), "", 1)
    }
}

/// The order with this id at this version, exactly as the service sends it.
pub(crate) fn order(id: u32, version: u32) -> String {
    let (product, quantity) = (version + 1, id % 9 + 1);
    let cents = (u64::from(id) * 7_919 + u64::from(version) * 104_729) % 10_000_000;
    let amount = format!("{}.{:02}", cents / 100, cents % 100);
    format!(
        r#"{{"order_id":{id},"product_id":{product},"quantity":{quantity},"amount":{amount},"shipping":15.00,"tax":2.05,"shipping_address":"Peñón {id}, {version}. Stock"}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_another_orders_is_wrong_and_changes_nothing() {
        let (mut book, mut numbers) = (Book::of(0), Numbers::of(1, 1));
        for _ in 0..200 {
            assert!(book.step(&mut numbers, |_| Ok(reply::order("200 OK", "x", &order(7, 7)))).is_err());
        }
        assert_eq!(book.texts().count(), 0);
    }

    #[test]
    fn versions_of_an_order_differ() {
        assert_ne!(order(1, 0), order(1, 1));
        assert_ne!(order(1, 0), order(2, 0));
    }
}
