//! Single orders and batches: the walkthrough's calls, and the same as resources.

use std::sync::Arc;

use microservice::api::parameter::{ParameterType, whole_number};
use microservice::api::{Content, HeaderType, Link, Operation, Parameter, RequestBody, ResponseType, headers};
use microservice::http::body::RequestPermits;
use microservice::http::conditional::{Preconditions, entity_tag};
use microservice::http::reply::Reply;
use microservice::hyper::StatusCode;
use microservice::hyper::header::LOCATION;
use microservice::operations::{DONE, done_response};
use microservice::problem::types::{IDS_EXHAUSTED, PRECONDITION_FAILED};
use microservice::{HandlerResult, Problem, Request};

use super::json_types::{FIVE_ORDERS, NEW_ORDER, ONE_ORDER, ORDER, ORDERS, ORDERS_TAG, WALKTHROUGH, WITHOUT_ID};
use crate::OrderService;
use crate::domain::{BatchDecoder, Draft, Order, OrderId, WHOLE_NUMBER, decode_draft};
use crate::problems::{DUPLICATE_ORDER, INVALID_ORDER, INVALID_STORED_ORDER, ORDER_NOT_FOUND};
use crate::repository::{Condition, RepositoryError};

/// An id in a query string.
const ID: Parameter<OrderId> = id("2", |text| order_id(text).ok_or_else(|| WHOLE_NUMBER.to_owned()));

/// An id in a path, in its canonical form: digits, no sign, no leading zeros. Other paths do not exist.
const PATH_ID: Parameter<OrderId> = id("3", |text| canonical_id(text).ok_or_else(|| WHOLE_NUMBER.to_owned()));

const fn id(example: &'static str, parse: fn(&str) -> Result<OrderId, String>) -> Parameter<OrderId> {
    let r#type = ParameterType { parse, schema: || OrderId::schema().into() };
    Parameter::required("id", r#type, example, "The order's id.")
}

const LOCATION_OF_ORDER: HeaderType = HeaderType::text("Location", "/orders/713", "The new order's path.").always();

/// The bound on a body with one order.
const ORDER_BOUND: &str = "At most `MAX_ORDER_BYTES` long.";

const WRITTEN: ResponseType = done_response("Written.");

const DELETED: ResponseType = done_response("Deleted.");

const ONE: Content = Content::json(&ORDER, &[ONE_ORDER]);

/// `POST /create_order`
pub(crate) const CREATE_ORDER: Operation = Operation::new("createOrder", &WALKTHROUGH)
    .body(RequestBody::json(&ORDER, &[ONE_ORDER], ORDER_BOUND).or_form())
    .responses(&[WRITTEN.links(&[
        Link { operation: "getOrder", parameter: "id", expression: "$request.body#/order_id" },
        Link { operation: "deleteOrder", parameter: "id", expression: "$request.body#/order_id" },
        Link { operation: "deleteOrderByGet", parameter: "id", expression: "$request.body#/order_id" },
    ])])
    .problems(&[&INVALID_ORDER, &DUPLICATE_ORDER])
    .idempotency_key()
    .writes_database();

/// `POST /create_order`
pub(crate) async fn create_order(service: Arc<OrderService>, mut request: Request) -> HandlerResult {
    let (draft, _permits) = receive_draft(&service, &mut request).await?;
    let order = draft.into_order()?;
    let draft = Draft { id: Some(order.id), details: order.details };
    Ok(service.repository.insert(&draft, request.write(), |_| done()).await?.into())
}

/// `POST /create_orders`
pub(crate) const CREATE_ORDERS: Operation = Operation::new("createOrders", &WALKTHROUGH)
    .details("One transaction writes the whole array, or nothing.")
    .body(RequestBody::json(&ORDERS, &[FIVE_ORDERS], "At most `MAX_BATCH` orders in `MAX_BODY_BYTES`.").or_form())
    .responses(&[WRITTEN])
    .problems(&[&INVALID_ORDER, &DUPLICATE_ORDER])
    .idempotency_key()
    .writes_database();

/// `POST /create_orders`: the whole array, or nothing.
pub(crate) async fn create_orders(service: Arc<OrderService>, mut request: Request) -> HandlerResult {
    let max_bytes = request.limits().max_body_bytes;
    let mut decoder = BatchDecoder::new(service.limits.max_batch, service.limits.max_order_bytes);
    let decode = |piece: &[u8]| Ok(decoder.push(piece)?);
    let _permits = request.receive_pieces(max_bytes, decode).await?;
    let orders = decoder.finish()?;
    let write = request.write().as_batch(service.limits.batch_timeout);
    Ok(service.repository.insert_all(&orders, write, done).await?.into())
}

/// `POST /update_order`
pub(crate) const UPDATE_ORDER: Operation = Operation::new("updateOrder", &WALKTHROUGH)
    .conditional()
    .body(RequestBody::json(&ORDER, &[ONE_ORDER], ORDER_BOUND).or_form())
    .responses(&[WRITTEN])
    .problems(&[&INVALID_ORDER, &ORDER_NOT_FOUND, &PRECONDITION_FAILED, &INVALID_STORED_ORDER])
    .idempotency_key()
    .writes_database();

/// `POST /update_order`
pub(crate) async fn update_order(service: Arc<OrderService>, mut request: Request) -> HandlerResult {
    let preconditions = Preconditions::from_headers(request.headers())?;
    let (draft, _permits) = receive_draft(&service, &mut request).await?;
    replace(&service, &request, &draft.into_order()?, &preconditions, |_| done()).await
}

/// `DELETE /delete_order?id=2`
pub(crate) const DELETE_ORDER: Operation = deletion("deleteOrder");

/// `GET /delete_order?id=2`
pub(crate) const DELETE_ORDER_BY_GET: Operation = deletion("deleteOrderByGet");

const fn deletion(id: &'static str) -> Operation {
    Operation::new(id, &WALKTHROUGH)
        .query(&[&ID])
        .conditional()
        .responses(&[DELETED])
        .problems(&[&ORDER_NOT_FOUND, &PRECONDITION_FAILED, &INVALID_STORED_ORDER])
        .idempotency_key()
        .writes_database()
}

/// `GET /delete_order?id=2`, and `DELETE`. `HEAD` says whether the order exists, and keeps it.
pub(crate) async fn delete_order(service: Arc<OrderService>, request: Request) -> HandlerResult {
    let id = request.query().required(&ID)?;
    if request.is_head() {
        let order = service.repository.find(id, request.deadline()).await?;
        if !allow_write(&Preconditions::from_headers(request.headers())?, &order) {
            return Err(RepositoryError::PreconditionFailed(id).into());
        }
        return Ok(done().into());
    }
    remove(&service, &request, id, done).await
}

/// `POST /orders`
pub(crate) const POST: Operation = Operation::new("postOrder", &ORDERS_TAG)
    .body(RequestBody::json(&NEW_ORDER, &[WITHOUT_ID], ORDER_BOUND))
    .responses(&[ResponseType::new(StatusCode::CREATED, "The new order.", ONE)
        .headers(&[&LOCATION_OF_ORDER, &headers::ETAG])
        .links(&[
            Link { operation: "getOrder", parameter: "id", expression: "$response.body#/order_id" },
            Link { operation: "putOrder", parameter: "id", expression: "$response.body#/order_id" },
            Link { operation: "removeOrder", parameter: "id", expression: "$response.body#/order_id" },
        ])])
    .problems(&[&INVALID_ORDER, &DUPLICATE_ORDER, &IDS_EXHAUSTED])
    .idempotency_key()
    .writes_database();

/// `POST /orders`: the service chooses the id where the body has none.
pub(crate) async fn post(service: Arc<OrderService>, mut request: Request) -> HandlerResult {
    let (draft, _permits) = receive_draft(&service, &mut request).await?;
    Ok(service.repository.insert(&draft, request.write(), created).await?.into())
}

/// `GET /orders/{id}`
pub(crate) const GET: Operation = Operation::new("getOrder", &ORDERS_TAG)
    .path(&[&PATH_ID])
    .conditional()
    .responses(&[
        ResponseType::new(StatusCode::OK, "The order.", ONE).headers(&[&headers::ETAG]),
        ResponseType::empty(StatusCode::NOT_MODIFIED, "The client has this order: `If-None-Match` has its tag.")
            .headers(&[&headers::ETAG]),
    ])
    .problems(&[&ORDER_NOT_FOUND, &PRECONDITION_FAILED, &INVALID_STORED_ORDER])
    .reads_database();

/// `GET /orders/{id}`
pub(crate) async fn get(service: Arc<OrderService>, request: Request) -> HandlerResult {
    let id = request.path_parameter(&PATH_ID)?;
    let json = service.repository.find(id, request.deadline()).await?.to_json();
    let tag = entity_tag(&json);
    let response = Preconditions::from_headers(request.headers())?.read_json(json, &tag);
    response.ok_or_else(|| RepositoryError::PreconditionFailed(id).into())
}

/// `PUT /orders/{id}`
pub(crate) const PUT: Operation = Operation::new("putOrder", &ORDERS_TAG)
    .details(
        "It replaces an existing order. The body's `order_id` may be left out; another one than the path's is an \
         error.",
    )
    .path(&[&PATH_ID])
    .conditional()
    .body(RequestBody::json(&NEW_ORDER, &[ONE_ORDER], ORDER_BOUND))
    .responses(&[ResponseType::new(StatusCode::OK, "The order, as it is now.", ONE).headers(&[&headers::ETAG])])
    .problems(&[&INVALID_ORDER, &ORDER_NOT_FOUND, &PRECONDITION_FAILED, &INVALID_STORED_ORDER])
    .idempotency_key()
    .writes_database();

/// `PUT /orders/{id}`: replaces an existing order.
pub(crate) async fn put(service: Arc<OrderService>, mut request: Request) -> HandlerResult {
    let id = request.path_parameter(&PATH_ID)?;
    let preconditions = Preconditions::from_headers(request.headers())?;
    let (draft, _permits) = receive_draft(&service, &mut request).await?;
    let order = draft.into_order_with(id)?;
    replace(&service, &request, &order, &preconditions, |order| with_order(StatusCode::OK, order)).await
}

/// `DELETE /orders/{id}`
pub(crate) const DELETE: Operation = Operation::new("removeOrder", &ORDERS_TAG)
    .path(&[&PATH_ID])
    .conditional()
    .responses(&[ResponseType::empty(StatusCode::NO_CONTENT, "Deleted.")])
    .problems(&[&ORDER_NOT_FOUND, &PRECONDITION_FAILED, &INVALID_STORED_ORDER])
    .idempotency_key()
    .writes_database();

/// `DELETE /orders/{id}`
pub(crate) async fn delete(service: Arc<OrderService>, request: Request) -> HandlerResult {
    let id = request.path_parameter(&PATH_ID)?;
    remove(&service, &request, id, || Reply::empty(StatusCode::NO_CONTENT)).await
}

async fn receive_draft(service: &OrderService, request: &mut Request) -> Result<(Draft, RequestPermits), Problem> {
    let body = request.receive(service.limits.max_order_bytes).await?;
    let draft = decode_draft(body.bytes())?;
    Ok((draft, body.into_permits()))
}

async fn replace(
    service: &OrderService,
    request: &Request,
    order: &Order,
    preconditions: &Preconditions,
    reply: fn(&Order) -> Reply,
) -> HandlerResult {
    let allows = |current: &Order| allow_write(preconditions, current);
    let condition: Option<Condition<'_>> = if preconditions.is_empty() { None } else { Some(&allows) };
    Ok(service.repository.replace(order, condition, request.write(), reply).await?.into())
}

async fn remove(service: &OrderService, request: &Request, id: OrderId, reply: fn() -> Reply) -> HandlerResult {
    let preconditions = Preconditions::from_headers(request.headers())?;
    let allows = |current: &Order| allow_write(&preconditions, current);
    let condition: Option<Condition<'_>> = if preconditions.is_empty() { None } else { Some(&allows) };
    Ok(service.repository.delete(id, condition, request.write(), reply).await?.into())
}

/// Whether the order, as it is, may be changed.
fn allow_write(preconditions: &Preconditions, current: &Order) -> bool {
    preconditions.allow_write(&entity_tag(&current.to_json()))
}

/// An order's id: digits, no sign.
fn order_id(text: &str) -> Option<OrderId> {
    (whole_number::<1, { u32::MAX }>().parse)(text).ok().and_then(OrderId::new)
}

/// An order's id in its canonical form.
fn canonical_id(text: &str) -> Option<OrderId> {
    let id = order_id(text)?;
    (id.to_string() == text).then_some(id)
}

/// The response with a new order.
fn created(order: &Order) -> Reply {
    with_order(StatusCode::CREATED, order).with_header(LOCATION, &format!("/orders/{}", order.id))
}

/// A response with an order and its tag.
fn with_order(status: StatusCode, order: &Order) -> Reply {
    let json = order.to_json();
    let tag = entity_tag(&json);
    Reply::json(status, json).with_entity_tag(&tag)
}

/// The response to the walkthrough's writes.
fn done() -> Reply {
    Reply::json(StatusCode::OK, DONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_has_one_path() {
        assert_eq!(canonical_id("7"), OrderId::new(7));
        for text in ["", "0", "07", "+7", "-7", "4294967296", "x", "7 ", "%37"] {
            assert_eq!(canonical_id(text), None, "{text}");
        }
    }
}
