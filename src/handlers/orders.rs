//! Orders: the walkthrough's calls, and the same as resources.

use hyper::header::{ETAG, LINK, LOCATION};
use hyper::{Body, Request, Response, StatusCode};

use super::body::{Accepts, Held, receive};
use super::conditional::{Read, condition, read_of};
use super::query::{Query, whole_number};
use super::{App, stream};
use crate::domain::{Draft, Order, OrderId, decode_batch, decode_draft};
use crate::error::Error;
use crate::repository::{Condition, Deadline, RepositoryError};
use crate::response;

/// The longest page a client may ask for.
const LONGEST_PAGE: u32 = 1000;

/// `POST /create_order`
pub(crate) async fn create_order(app: &App, request: Request<Body>) -> Result<Response<Body>, Error> {
    let (draft, _held) = receive_draft(app, request, Accepts::JsonOrForm).await?;
    let order = draft.into_order()?;
    let draft = Draft { id: Some(order.id), details: order.details };
    app.repository.insert(&draft, app.deadline()).await?;
    Ok(response::done())
}

/// `POST /create_orders`: all of the array, or none.
pub(crate) async fn create_orders(app: &App, request: Request<Body>) -> Result<Response<Body>, Error> {
    Query::of(&request, &[])?;
    let received = receive(app, request, Accepts::JsonOrForm, app.limits.max_body_bytes).await?;
    let orders = decode_batch(received.bytes(), app.limits.max_batch)?;
    let _held = received.into_held();
    app.repository.insert_all(&orders, Deadline::after(app.limits.batch_timeout)).await?;
    Ok(response::done())
}

/// `POST /update_order`
pub(crate) async fn update_order(app: &App, request: Request<Body>) -> Result<Response<Body>, Error> {
    let condition = condition(request.headers())?;
    let (draft, _held) = receive_draft(app, request, Accepts::JsonOrForm).await?;
    let order = draft.into_order()?;
    app.repository.replace(&order, as_condition(condition.as_ref()), app.deadline()).await?;
    Ok(response::done())
}

/// `GET /delete_order?id=2`, and DELETE. HEAD says whether the order is there and leaves it.
pub(crate) async fn delete_order(app: &App, request: &Request<Body>, head: bool) -> Result<Response<Body>, Error> {
    let query = Query::of(request, &["id"])?;
    let id = query.required("id", parse_id, "must be a whole number from 1 to 4294967295")?;
    if head {
        app.repository.find(id, app.deadline()).await?;
    } else {
        let condition = condition(request.headers())?;
        app.repository.delete(id, as_condition(condition.as_ref()), app.deadline()).await?;
    }
    Ok(response::done())
}

/// `GET /orders`: all of them, streamed; with `limit` or `after` a page of them.
pub(crate) async fn list(app: &App, request: &Request<Body>, head: bool) -> Result<Response<Body>, Error> {
    let query = Query::of(request, &["limit", "after"])?;
    let limit = query.optional(
        "limit",
        |text| whole_number(text).filter(|limit| (1..=LONGEST_PAGE).contains(limit)),
        "must be a whole number from 1 to 1000",
    )?;
    let after = query.optional("after", whole_number, "must be a whole number from 0 to 4294967295")?;
    let after = after.and_then(OrderId::new);
    match limit {
        Some(limit) => page(app, after, limit).await,
        None => stream::orders(app, after, head).await,
    }
}

/// One page. One order more than asked for is read, to know whether there is another page.
async fn page(app: &App, after: Option<OrderId>, limit: u32) -> Result<Response<Body>, Error> {
    let mut orders = app.repository.page(after, limit + 1, app.deadline()).await?;
    let more = orders.len() > limit as usize;
    orders.truncate(limit as usize);
    let mut answer = response::json(StatusCode::OK, stream::array(&orders));
    if let (true, Some(last)) = (more, orders.last()) {
        let link = format!("</orders?limit={limit}&after={}>; rel=\"next\"", last.id);
        response::set(&mut answer, LINK, &link);
    }
    Ok(answer)
}

/// `POST /orders`: the id may be left to the service.
pub(crate) async fn post(app: &App, request: Request<Body>) -> Result<Response<Body>, Error> {
    let (draft, _held) = receive_draft(app, request, Accepts::Json).await?;
    let order = app.repository.insert(&draft, app.deadline()).await?;
    let mut answer = response::order(StatusCode::CREATED, &order);
    response::set(&mut answer, LOCATION, &format!("/orders/{}", order.id));
    Ok(answer)
}

/// `GET /orders/{id}`
pub(crate) async fn get(app: &App, request: &Request<Body>, id: OrderId) -> Result<Response<Body>, Error> {
    Query::of(request, &[])?;
    let order = app.repository.find(id, app.deadline()).await?;
    let body = order.to_json();
    let tag = response::entity_tag_of(&body);
    match read_of(request.headers(), &tag)? {
        Read::Full => Ok(response::tagged_order(StatusCode::OK, body, &tag)),
        Read::NotModified => {
            let mut unchanged = response::empty(StatusCode::NOT_MODIFIED);
            response::set(&mut unchanged, ETAG, &tag);
            Ok(unchanged)
        }
        Read::Refused => Err(RepositoryError::PreconditionFailed(id).into()),
    }
}

/// `PUT /orders/{id}`: replaces an order that is there.
pub(crate) async fn put(app: &App, request: Request<Body>, id: OrderId) -> Result<Response<Body>, Error> {
    let condition = condition(request.headers())?;
    let (draft, _held) = receive_draft(app, request, Accepts::Json).await?;
    let order = draft.into_order_with(id)?;
    app.repository.replace(&order, as_condition(condition.as_ref()), app.deadline()).await?;
    Ok(response::order(StatusCode::OK, &order))
}

/// `DELETE /orders/{id}`
pub(crate) async fn delete(app: &App, request: &Request<Body>, id: OrderId) -> Result<Response<Body>, Error> {
    Query::of(request, &[])?;
    let condition = condition(request.headers())?;
    app.repository.delete(id, as_condition(condition.as_ref()), app.deadline()).await?;
    Ok(response::empty(StatusCode::NO_CONTENT))
}

async fn receive_draft(app: &App, request: Request<Body>, accepts: Accepts) -> Result<(Draft, Held), Error> {
    Query::of(&request, &[])?;
    let received = receive(app, request, accepts, app.limits.max_order_bytes).await?;
    let draft = decode_draft(received.bytes())?;
    Ok((draft, received.into_held()))
}

fn parse_id(text: &str) -> Option<OrderId> {
    whole_number(text).and_then(OrderId::new)
}

fn as_condition<F: Fn(&Order) -> bool + Send + Sync>(condition: Option<&F>) -> Option<Condition<'_>> {
    condition.map(|condition| condition as Condition<'_>)
}
