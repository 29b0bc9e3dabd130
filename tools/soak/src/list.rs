//! The whole table as it must be: a long part that nobody changes, and behind it the clients' orders.

use anyhow::{Context, Result, ensure};

use crate::book::order;

/// Orders that are there from the start and stay.
#[derive(Debug)]
pub(crate) struct List {
    /// Them as an array without its end.
    text: String,
}

impl List {
    /// So many orders, from id 1.
    pub(crate) fn of(rows: u32) -> Self {
        let all: Vec<String> = (1..=rows).map(|id| order(id, 0)).collect();
        Self { text: format!("[{}", all.join(",")) }
    }

    /// The array, to be created.
    pub(crate) fn array(&self) -> String {
        format!("{}]", self.text)
    }

    /// The array with these behind it.
    pub(crate) fn with(&self, texts: impl IntoIterator<Item = String>) -> String {
        let more: String = texts.into_iter().map(|text| format!(",{text}")).collect();
        format!("{}{more}]", self.text)
    }

    /// Checks an array that was read while clients changed what is behind the long part.
    pub(crate) fn must_be(&self, body: &[u8]) -> Result<()> {
        let body = std::str::from_utf8(body)?;
        let rest = body.strip_prefix(&self.text).context("the long part is not as it was written")?;
        let rest = rest.strip_suffix(']').context("the array does not end")?;
        // Every order begins so, and no text within one does.
        let mut parts = rest.split(r#",{"order_id":"#);
        ensure!(parts.next() == Some(""), "something else than orders is behind the long part");
        let mut last = 0;
        for text in parts {
            let (id, version) = numbers_of(text).with_context(|| format!("no order: {text}"))?;
            ensure!(last < id, "order {id} comes after order {last}");
            last = id;
            let whole = format!(r#"{{"order_id":{text}"#);
            ensure!(whole == order(id, version), "order {id} is not as it was written: {whole}");
        }
        Ok(())
    }

    /// Checks the beginning of such an array.
    pub(crate) fn must_begin(&self, body: &[u8]) -> Result<()> {
        let length = body.len().min(self.text.len());
        ensure!(body.get(..length) == self.text.as_bytes().get(..length), "the long part is not as it was written");
        Ok(())
    }
}

/// Id and version of an order without its first letters; the version is the product's number less one.
fn numbers_of(text: &str) -> Option<(u32, u32)> {
    let (id, rest) = text.split_once(r#","product_id":"#)?;
    let (product, _) = rest.split_once(',')?;
    Some((id.parse().ok()?, product.parse::<u32>().ok()?.checked_sub(1)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_right_only_in_order_whole_and_unchanged() {
        let list = List::of(3);
        let right = list.with([order(1_000_000, 4), order(2_000_000, 0)]);
        assert!(list.must_be(right.as_bytes()).is_ok());
        assert!(list.must_be(list.array().as_bytes()).is_ok());
        for wrong in [
            list.with([order(2_000_000, 0), order(1_000_000, 4)]),
            list.with([order(1_000_000, 4), order(1_000_000, 4)]),
            right.replace("15.00", "15.01"),
            right.replace(
                "\"tax\":2.05,\"shipping_address\":\"Peñón 2000000",
                "\"tax\":2.05,\"shipping_address\":\"Peñón 2",
            ),
            right.trim_end_matches(']').to_owned(),
            List::of(2).array(),
        ] {
            assert!(list.must_be(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_beginning_is_right_however_short() {
        let list = List::of(3);
        assert!(list.must_begin(b"").is_ok());
        assert!(list.must_begin(list.text.as_bytes().get(..50).unwrap_or_default()).is_ok());
        assert!(list.must_begin(b"[]").is_err());
    }
}
