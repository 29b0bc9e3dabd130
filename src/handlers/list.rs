//! `GET /orders`: a page, or the whole table streamed.

use std::sync::Arc;

use microservice::api::parameter::whole_number;
use microservice::api::{Content, HeaderType, Operation, Parameter, ResponseType};
use microservice::database::{Deadline, Part};
use microservice::http::response;
use microservice::http::stream::{CHUNK_BYTES, ChunkSource, json_stream};
use microservice::hyper::StatusCode;
use microservice::hyper::header::LINK;
use microservice::{HandlerResult, Problem, Request};

use super::json_types::{FIVE_ORDERS, ORDERS, ORDERS_TAG};
use crate::OrderService;
use crate::domain::{Order, OrderId};
use crate::problems::INVALID_STORED_ORDER;

const LIMIT: Parameter<u32> = Parameter::optional(
    "limit",
    whole_number::<1, MAX_PAGE>(),
    "100",
    "The most orders in the response: a page. Without it, all orders are streamed.",
);
const AFTER: Parameter<u32> =
    Parameter::optional("after", whole_number::<0, { u32::MAX }>(), "712", "Only orders with greater ids.");

const NEXT_PAGE: HeaderType = HeaderType::text(
    "Link",
    "</orders?limit=100&after=712>; rel=\"next\"",
    "The next page, if there is one (RFC 8288). Only with `limit`.",
);

/// `GET /orders`
pub(crate) const LIST: Operation = Operation::new("listOrders", &ORDERS_TAG)
    .details(
        "The table is streamed in constant memory. An order that exists for the whole time is in the response exactly \
         once; one that is created or deleted meanwhile may be in it or not. If the database fails half-way, the \
         service closes the connection: an array without its end is incomplete.",
    )
    .query(&[&LIMIT, &AFTER])
    .responses(&[ResponseType::new(
        StatusCode::OK,
        "The orders, by ascending id.",
        Content::json(&ORDERS, &[FIVE_ORDERS]),
    )
    .headers(&[&NEXT_PAGE])])
    .problems(&[&INVALID_STORED_ORDER])
    .reads_database();

/// The longest page that a client may ask for.
const MAX_PAGE: u32 = 1000;

/// Orders in the first chunk of a streamed response. The later ones are as many as make a chunk of [`CHUNK_BYTES`].
const ORDERS_IN_FIRST_CHUNK: u32 = 200;

/// The most orders in a chunk.
const MAX_ORDERS_IN_CHUNK: u32 = 500;

/// The memory for an order of a page, in bytes: its row, and its JSON. An address may be four times as long.
const PAGE_BYTES_PER_ORDER: usize = 1024;

/// `GET /orders`: all orders, streamed; with `limit` a page of them.
pub(crate) async fn list(service: Arc<OrderService>, request: Request) -> HandlerResult {
    let limit = request.query().optional(&LIMIT)?;
    let after = request.query().optional(&AFTER)?.and_then(OrderId::new);
    match limit {
        Some(limit) => page(&service, &request, after, limit).await,
        None => stream(service, &request, after).await,
    }
}

/// One page. One order more is read, to know whether there is another page.
async fn page(service: &OrderService, request: &Request, after: Option<OrderId>, limit: u32) -> HandlerResult {
    let _memory = request.reserve_memory(limit as usize * PAGE_BYTES_PER_ORDER).await?;
    let mut orders = service.repository.page(Part::First, after, limit + 1, request.deadline()).await?;
    let has_more = orders.len() > limit as usize;
    orders.truncate(limit as usize);
    let mut response = response::json(StatusCode::OK, array(&orders));
    if let (true, Some(last)) = (has_more, orders.last()) {
        let link = format!("</orders?limit={limit}&after={}>; rel=\"next\"", last.id);
        response::set_header(&mut response, LINK, &link);
    }
    Ok(response)
}

/// All orders with ids above `after`, as one array.
///
/// The table is read in chunks by key, each by a statement of its own. So a slow client holds neither a connection to
/// the database nor a snapshot of it. An order that exists from the first chunk to the last is in the response exactly
/// once; one that is created or deleted meanwhile may or may not be.
async fn stream(service: Arc<OrderService>, request: &Request, after: Option<OrderId>) -> HandlerResult {
    let first = service.repository.page(Part::First, after, ORDERS_IN_FIRST_CHUNK, request.deadline()).await?;
    if first.len() < ORDERS_IN_FIRST_CHUNK as usize {
        return Ok(response::json(StatusCode::OK, array(&first)));
    }
    let json = chunk(&first, b'[');
    let next = orders_per_chunk(&json, first.len());
    let last = first.last().map(|order| order.id);
    let source = OrderChunks { last, next, limits: request.limits().clone(), service };
    json_stream(request, json, source)
}

/// The number of orders that make a chunk of [`CHUNK_BYTES`], if they are as long as these.
fn orders_per_chunk(json: &[u8], orders: usize) -> u32 {
    let fitting = CHUNK_BYTES.saturating_mul(orders) / json.len().max(1);
    u32::try_from(fitting).unwrap_or(MAX_ORDERS_IN_CHUNK).clamp(1, MAX_ORDERS_IN_CHUNK)
}

/// The chunks of an array of orders after the first one.
struct OrderChunks {
    service: Arc<OrderService>,
    limits: microservice::Limits,
    /// The id of the last order so far; None at the end.
    last: Option<OrderId>,
    /// The number of orders in the next chunk.
    next: u32,
}

impl ChunkSource for OrderChunks {
    async fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, Problem> {
        let Some(last) = self.last else { return Ok(None) };
        let deadline = Deadline::after(self.limits.request_timeout);
        let orders = self.service.repository.page(Part::Later, Some(last), self.next, deadline).await?;
        let mut json = chunk(&orders, b',');
        if orders.len() >= self.next as usize {
            self.last = orders.last().map(|order| order.id);
            self.next = orders_per_chunk(&json, orders.len());
        } else {
            self.last = None;
            json.push(b']');
        }
        Ok(Some(json))
    }
}

/// The orders as a JSON array.
fn array(orders: &[Order]) -> Vec<u8> {
    let mut json = chunk(orders, b'[');
    if orders.is_empty() {
        json.push(b'[');
    }
    json.push(b']');
    json
}

/// A part of a JSON array: `before` precedes the first order, commas separate the others.
fn chunk(orders: &[Order], mut before: u8) -> Vec<u8> {
    let mut json = Vec::with_capacity(orders.len() * 160 + 2);
    for order in orders {
        json.push(before);
        order.write_json(&mut json);
        before = b',';
    }
    json
}
