//! The next request of a client, and the response that it must get.

use fastrand::Rng;

use super::{ClientModel, IDS, order_json};
use crate::messages::{Expected, request};
use crate::random::one_in;

/// A request and its response.
pub(super) struct Exchange {
    pub(super) request: String,
    pub(super) expected: Expected,
    pub(super) write: Option<Write>,
    /// The order whose entity tag the response must have.
    pub(super) tagged: Option<u32>,
}

/// What a request writes: an order's version, or none to delete it.
pub(super) struct Write {
    pub(super) id: u32,
    pub(super) version: Option<u32>,
    /// The service must refuse it: the order exists already, or does not exist.
    pub(super) rejected: bool,
}

impl Exchange {
    fn read(request: String, expected: Expected) -> Self {
        Self { request, expected, write: None, tagged: None }
    }

    fn accepted(request: String, expected: Expected, id: u32, version: Option<u32>) -> Self {
        Self { request, expected, write: Some(Write { id, version, rejected: false }), tagged: None }
    }

    fn rejected(request: String, expected: Expected, id: u32, version: Option<u32>) -> Self {
        Self { request, expected, write: Some(Write { id, version, rejected: true }), tagged: None }
    }

    fn tagged(self, id: Option<u32>) -> Self {
        Self { tagged: id, ..self }
    }
}

impl ClientModel {
    /// A random request.
    pub(super) fn next_exchange(&self, rng: &mut Rng) -> Exchange {
        let id = self.first_id + rng.u32(0..IDS);
        let request_id = format!("c{}-{}", self.first_id / 1_000_000, self.requests);
        match rng.u32(0..12) {
            0..3 => self.create(id, &request_id, rng),
            3..5 => self.update(id, &request_id, rng),
            5 => self.delete(id, &request_id, rng),
            6 if self.orders().next().is_some() => self.list(&request_id),
            7 => echo(&request_id, rng),
            _ => self.read(id, &request_id, rng),
        }
    }

    /// By the walkthrough's path or as a resource; so are updates and deletions.
    fn create(&self, id: u32, request_id: &str, rng: &mut Rng) -> Exchange {
        let body = order_json(id, 0);
        let as_resource = one_in(rng, 2);
        let path = if as_resource { "/orders" } else { "/create_order" };
        let request = request("POST", path, request_id, "", Some(&body));
        if self.version(id).is_some() {
            return Exchange::rejected(request, Expected::duplicate(request_id), id, Some(0));
        }
        let expected = if as_resource {
            Expected::json(201, request_id, body).field("location", &format!("/orders/{id}"))
        } else {
            Expected::status_true(request_id)
        };
        Exchange::accepted(request, expected, id, Some(0)).tagged(as_resource.then_some(id))
    }

    fn update(&self, id: u32, request_id: &str, rng: &mut Rng) -> Exchange {
        let version = self.version(id).map_or(0, |version| version + 1);
        let body = order_json(id, version);
        let as_resource = one_in(rng, 2);
        let request = if as_resource {
            request("PUT", &format!("/orders/{id}"), request_id, "", Some(&body))
        } else {
            request("POST", "/update_order", request_id, "", Some(&body))
        };
        if self.version(id).is_none() {
            return Exchange::rejected(request, Expected::not_found(request_id), id, Some(version));
        }
        let expected =
            if as_resource { Expected::json(200, request_id, body) } else { Expected::status_true(request_id) };
        Exchange::accepted(request, expected, id, Some(version)).tagged(as_resource.then_some(id))
    }

    fn delete(&self, id: u32, request_id: &str, rng: &mut Rng) -> Exchange {
        let as_resource = one_in(rng, 2);
        let request = if as_resource {
            request("DELETE", &format!("/orders/{id}"), request_id, "", None)
        } else {
            request("GET", &format!("/delete_order?id={id}"), request_id, "", None)
        };
        if self.version(id).is_none() {
            return Exchange::rejected(request, Expected::not_found(request_id), id, None);
        }
        let expected = if as_resource { Expected::no_content(request_id) } else { Expected::status_true(request_id) };
        Exchange::accepted(request, expected, id, None)
    }

    fn read(&self, id: u32, request_id: &str, rng: &mut Rng) -> Exchange {
        let path = format!("/orders/{id}");
        let unconditional = request("GET", &path, request_id, "", None);
        let Some(version) = self.version(id) else {
            return Exchange::read(unconditional, Expected::not_found(request_id));
        };
        let exchange = match self.tags.get(&id) {
            Some(tag) if one_in(rng, 3) => {
                let condition = format!("if-none-match: {tag}\r\n");
                let conditional = request("GET", &path, request_id, &condition, None);
                Exchange::read(conditional, Expected::not_modified(request_id))
            }
            _ => Exchange::read(unconditional, Expected::json(200, request_id, order_json(id, version))),
        };
        exchange.tagged(Some(id))
    }

    /// A page with exactly this client's orders. It has a link to a next page when another client has orders with
    /// higher ids.
    fn list(&self, request_id: &str) -> Exchange {
        let orders: Vec<String> = self.orders().map(|(id, version)| order_json(id, version)).collect();
        let (limit, last) = (orders.len(), self.orders().last().unwrap_or_default().0);
        let path = format!("/orders?limit={limit}&after={}", self.first_id - 1);
        let next = format!("</orders?limit={limit}&after={last}>; rel=\"next\"");
        let expected = Expected::json(200, request_id, format!("[{}]", orders.join(",")));
        Exchange::read(request("GET", &path, request_id, "", None), expected.optional_field("link", &next))
    }
}

/// Sends text of a random length, which must come back.
fn echo(request_id: &str, rng: &mut Rng) -> Exchange {
    let text = "éí ".repeat(rng.usize(1..4_000));
    let request = request("POST", "/echo", request_id, "", Some(&text));
    Exchange::read(request, Expected::chunked_json(request_id, text))
}
