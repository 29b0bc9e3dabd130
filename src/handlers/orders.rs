//! Single orders and batches: the walkthrough's calls, and the same as resources.

use std::sync::Arc;

use microservice::http::body::{MediaTypes, RequestPermits};
use microservice::http::conditional::{Preconditions, ReadResponse, entity_tag};
use microservice::http::query::whole_number;
use microservice::http::response;
use microservice::hyper::header::LOCATION;
use microservice::hyper::{Body, Response, StatusCode};
use microservice::{HandlerResult, Problem, Request};

use crate::OrderService;
use crate::domain::{BatchDecoder, Draft, Order, OrderId, decode_draft};
use crate::repository::{Condition, RepositoryError};

/// `POST /create_order`
pub(crate) async fn create_order(service: Arc<OrderService>, mut request: Request) -> HandlerResult {
    let (draft, _permits) = receive_draft(&service, &mut request, MediaTypes::JsonOrForm).await?;
    let order = draft.into_order()?;
    let draft = Draft { id: Some(order.id), details: order.details };
    service.repository.insert(&draft, request.deadline()).await?;
    Ok(done())
}

/// `POST /create_orders`: the whole array, or nothing.
pub(crate) async fn create_orders(service: Arc<OrderService>, mut request: Request) -> HandlerResult {
    request.query(&[])?;
    let max_bytes = request.limits().max_body_bytes;
    let mut decoder = BatchDecoder::new(service.limits.max_batch, service.limits.max_order_bytes);
    let decode = |piece: &[u8]| Ok(decoder.push(piece)?);
    let _permits = request.receive_pieces(MediaTypes::JsonOrForm, max_bytes, decode).await?;
    let orders = decoder.finish()?;
    service.repository.insert_all(&orders, service.limits.batch_timeout).await?;
    Ok(done())
}

/// `POST /update_order`
pub(crate) async fn update_order(service: Arc<OrderService>, mut request: Request) -> HandlerResult {
    let preconditions = Preconditions::from_headers(request.headers())?;
    let (draft, _permits) = receive_draft(&service, &mut request, MediaTypes::JsonOrForm).await?;
    replace(&service, &request, &draft.into_order()?, &preconditions).await?;
    Ok(done())
}

/// `GET /delete_order?id=2`, and `DELETE`. `HEAD` says whether the order exists, and keeps it.
pub(crate) async fn delete_order(service: Arc<OrderService>, request: Request) -> HandlerResult {
    let query = request.query(&["id"])?;
    let parse = |text: &str| whole_number(text).and_then(OrderId::new);
    let id = query.required("id", parse, "must be a whole number from 1 to 4294967295")?;
    if request.is_head() {
        service.repository.find(id, request.deadline()).await?;
    } else {
        remove(&service, &request, id).await?;
    }
    Ok(done())
}

/// `POST /orders`: the service chooses the id where the body has none.
pub(crate) async fn post(service: Arc<OrderService>, mut request: Request) -> HandlerResult {
    let (draft, _permits) = receive_draft(&service, &mut request, MediaTypes::Json).await?;
    let order = service.repository.insert(&draft, request.deadline()).await?;
    let mut response = order_response(StatusCode::CREATED, order.to_json());
    response::set_header(&mut response, LOCATION, &format!("/orders/{}", order.id));
    Ok(response)
}

/// `GET /orders/{id}`
pub(crate) async fn get(service: Arc<OrderService>, request: Request) -> HandlerResult {
    let id = path_id(&request)?;
    request.query(&[])?;
    let json = service.repository.find(id, request.deadline()).await?.to_json();
    let tag = entity_tag(&json);
    match Preconditions::from_headers(request.headers())?.read_response(&tag) {
        ReadResponse::Full => Ok(response::with_entity_tag(response::json(StatusCode::OK, json), &tag)),
        ReadResponse::NotModified => Ok(response::with_entity_tag(response::empty(StatusCode::NOT_MODIFIED), &tag)),
        ReadResponse::PreconditionFailed => Err(RepositoryError::PreconditionFailed(id).into()),
    }
}

/// `PUT /orders/{id}`: replaces an existing order.
pub(crate) async fn put(service: Arc<OrderService>, mut request: Request) -> HandlerResult {
    let id = path_id(&request)?;
    let preconditions = Preconditions::from_headers(request.headers())?;
    let (draft, _permits) = receive_draft(&service, &mut request, MediaTypes::Json).await?;
    let order = draft.into_order_with(id)?;
    replace(&service, &request, &order, &preconditions).await?;
    Ok(order_response(StatusCode::OK, order.to_json()))
}

/// `DELETE /orders/{id}`
pub(crate) async fn delete(service: Arc<OrderService>, request: Request) -> HandlerResult {
    let id = path_id(&request)?;
    request.query(&[])?;
    remove(&service, &request, id).await?;
    Ok(response::empty(StatusCode::NO_CONTENT))
}

async fn receive_draft(
    service: &OrderService,
    request: &mut Request,
    media_types: MediaTypes,
) -> Result<(Draft, RequestPermits), Problem> {
    request.query(&[])?;
    let body = request.receive(media_types, service.limits.max_order_bytes).await?;
    let draft = decode_draft(body.bytes())?;
    Ok((draft, body.into_permits()))
}

async fn replace(
    service: &OrderService,
    request: &Request,
    order: &Order,
    preconditions: &Preconditions,
) -> Result<(), RepositoryError> {
    let allows = |current: &Order| preconditions.allow_write(&entity_tag(&current.to_json()));
    let condition: Option<Condition<'_>> = if preconditions.is_empty() { None } else { Some(&allows) };
    service.repository.replace(order, condition, request.deadline()).await
}

async fn remove(service: &OrderService, request: &Request, id: OrderId) -> Result<(), Problem> {
    let preconditions = Preconditions::from_headers(request.headers())?;
    let allows = |current: &Order| preconditions.allow_write(&entity_tag(&current.to_json()));
    let condition: Option<Condition<'_>> = if preconditions.is_empty() { None } else { Some(&allows) };
    Ok(service.repository.delete(id, condition, request.deadline()).await?)
}

/// An order's id in its canonical form: digits, no sign, no leading zeros. Other paths do not exist.
fn path_id(request: &Request) -> Result<OrderId, Problem> {
    request.path_parameter("id", canonical_id)
}

fn canonical_id(text: &str) -> Option<OrderId> {
    let id = whole_number(text).and_then(OrderId::new)?;
    (id.to_string() == text).then_some(id)
}

fn order_response(status: StatusCode, json: Vec<u8>) -> Response<Body> {
    let tag = entity_tag(&json);
    response::with_entity_tag(response::json(status, json), &tag)
}

/// The response to the walkthrough's writes.
fn done() -> Response<Body> {
    response::json(StatusCode::OK, r#"{"status":true}"#)
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
