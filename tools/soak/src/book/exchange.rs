//! What a client asks next, and what must come of it.

use super::{Book, IDS, order};
use crate::numbers::Numbers;
use crate::reply::{self, TAG};

/// A request, the answer that it must get, and what it changes: this order comes to this version, or goes.
pub(super) struct Exchange {
    pub(super) request: String,
    pub(super) answer: String,
    pub(super) changes: Option<(u32, Option<u32>)>,
    /// The order whose entity tag the answer has.
    pub(super) tagged: Option<u32>,
}

impl Book {
    /// What is asked next.
    pub(super) fn exchange(&self, numbers: &mut Numbers) -> Exchange {
        let id = self.first + numbers.within(0..IDS);
        let name = format!("c{}-{}", self.first / 1_000_000, self.asked);
        match numbers.within(0..12) {
            0..3 => self.creating(id, &name, numbers),
            3..5 => self.changing(id, &name, numbers),
            5 => self.deleting(id, &name, numbers),
            6 if !self.orders.is_empty() => self.listing(&name),
            7 => echoing(&name, numbers),
            _ => self.reading(id, &name, numbers),
        }
    }

    fn creating(&self, id: u32, name: &str, numbers: &mut Numbers) -> Exchange {
        let text = order(id, 0);
        let resource = numbers.once_in(2);
        let request = reply::request("POST", if resource { "/orders" } else { "/create_order" }, name, "", Some(&text));
        if self.orders.contains_key(&id) {
            return Exchange { request, answer: reply::duplicate(id, name), changes: None, tagged: None };
        }
        let answer = if resource {
            reply::json("201 Created", &format!("etag: {TAG}\r\nlocation: /orders/{id}\r\n"), name, &text)
        } else {
            reply::done(name)
        };
        Exchange { request, answer, changes: Some((id, Some(0))), tagged: resource.then_some(id) }
    }

    fn changing(&self, id: u32, name: &str, numbers: &mut Numbers) -> Exchange {
        let version = self.orders.get(&id).map_or(0, |known| known.version + 1);
        let text = order(id, version);
        let resource = numbers.once_in(2);
        let request = if resource {
            reply::request("PUT", &format!("/orders/{id}"), name, "", Some(&text))
        } else {
            reply::request("POST", "/update_order", name, "", Some(&text))
        };
        if !self.orders.contains_key(&id) {
            return Exchange { request, answer: reply::not_there(id, name), changes: None, tagged: None };
        }
        let answer = if resource { reply::order("200 OK", name, &text) } else { reply::done(name) };
        Exchange { request, answer, changes: Some((id, Some(version))), tagged: resource.then_some(id) }
    }

    fn deleting(&self, id: u32, name: &str, numbers: &mut Numbers) -> Exchange {
        let resource = numbers.once_in(2);
        let request = if resource {
            reply::request("DELETE", &format!("/orders/{id}"), name, "", None)
        } else {
            reply::request("GET", &format!("/delete_order?id={id}"), name, "", None)
        };
        if !self.orders.contains_key(&id) {
            return Exchange { request, answer: reply::not_there(id, name), changes: None, tagged: None };
        }
        let answer = if resource { reply::no_content(name) } else { reply::done(name) };
        Exchange { request, answer, changes: Some((id, None)), tagged: None }
    }

    fn reading(&self, id: u32, name: &str, numbers: &mut Numbers) -> Exchange {
        let path = format!("/orders/{id}");
        let plain = reply::request("GET", &path, name, "", None);
        let Some(known) = self.orders.get(&id) else {
            return Exchange { request: plain, answer: reply::not_there(id, name), changes: None, tagged: None };
        };
        let (request, answer) = match &known.tag {
            Some(tag) if numbers.once_in(3) => {
                let condition = format!("if-none-match: {tag}\r\n");
                (reply::request("GET", &path, name, &condition, None), reply::not_modified(name))
            }
            _ => (plain, reply::order("200 OK", name, &order(id, known.version))),
        };
        Exchange { request, answer, changes: None, tagged: Some(id) }
    }

    /// A page that is exactly this client's orders.
    fn listing(&self, name: &str) -> Exchange {
        let path = format!("/orders?limit={}&after={}", self.orders.len(), self.first - 1);
        let all: Vec<String> = self.texts().collect();
        let answer = reply::json("200 OK", "", name, &format!("[{}]", all.join(",")));
        Exchange { request: reply::request("GET", &path, name, "", None), answer, changes: None, tagged: None }
    }
}

/// Some text, there and back.
fn echoing(name: &str, numbers: &mut Numbers) -> Exchange {
    let text = "éí ".repeat(numbers.within(1..4_000) as usize);
    Exchange {
        request: reply::request("POST", "/echo", name, "", Some(&text)),
        answer: reply::streamed(name, &text),
        changes: None,
        tagged: None,
    }
}
