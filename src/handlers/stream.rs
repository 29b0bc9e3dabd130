//! Answers that are made while they are sent, in constant memory, however slowly they are read.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::{HttpBody as _, Sender};
use hyper::{Body, Response, StatusCode};
use tokio::time::timeout;

use super::App;
use crate::domain::{Order, OrderId};
use crate::error::Error;
use crate::repository::{Deadline, Repository, RepositoryError};
use crate::response;

/// Orders read and sent at a time: about 80 KB.
const ORDERS_PER_PIECE: u32 = 500;

/// All orders with ids above `after`, as one array.
///
/// The table is read in pieces by key, each with a statement of its own: a slow client holds no connection to the database
/// and no snapshot of it. An order that is there from the first piece to the last is in the answer exactly once; one that
/// comes or goes meanwhile may or may not be. What fails after the first piece cuts the connection: an array that does not
/// end is never taken for a whole one.
pub(super) async fn orders(app: &App, after: Option<OrderId>, head: bool) -> Result<Response<Body>, Error> {
    let first = app.repository.page(after, ORDERS_PER_PIECE, app.deadline()).await?;
    if !is_full(&first) {
        return Ok(response::json(StatusCode::OK, array(&first)));
    }
    if head {
        return Ok(response::json(StatusCode::OK, Body::empty()));
    }
    let place = Arc::clone(&app.streams).try_acquire_owned();
    let place = place.map_err(|_| Error::Overloaded("too many long answers are being sent"))?;
    let (sender, body) = Body::channel();
    let (repository, within) = (Arc::clone(&app.repository), app.limits.request_timeout);
    tokio::spawn(async move {
        send_orders(sender, &repository, within, first).await;
        drop(place);
    });
    Ok(response::json(StatusCode::OK, body))
}

/// The orders as a JSON array.
pub(super) fn array(orders: &[Order]) -> Vec<u8> {
    let mut out = piece(orders, b'[');
    if orders.is_empty() {
        out.push(b'[');
    }
    out.push(b']');
    out
}

/// A part of an array: `before` stands before the first order, commas between the others.
fn piece(orders: &[Order], mut before: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(orders.len() * 160 + 2);
    for order in orders {
        out.push(before);
        order.write_json(&mut out);
        before = b',';
    }
    out
}

fn is_full(orders: &[Order]) -> bool {
    orders.len() >= ORDERS_PER_PIECE as usize
}

async fn send_orders(mut sender: Sender, repository: &Repository, within: Duration, first: Vec<Order>) {
    let mut orders = first;
    let mut before = b'[';
    loop {
        let last = orders.last().map(|order| order.id);
        let (data, full) = (piece(&orders, before), is_full(&orders));
        drop(orders);
        if sender.send_data(data.into()).await.is_err() {
            return; // the client is gone
        }
        if !full {
            // Gone or not, there is nothing more to do.
            let _ = sender.send_data("]".into()).await;
            return;
        }
        before = b',';
        orders = match repository.page(last, ORDERS_PER_PIECE, Deadline::after(within)).await {
            Ok(orders) => orders,
            Err(error) => return give_up(sender, &error),
        };
    }
}

fn give_up(sender: Sender, error: &RepositoryError) {
    tracing::error!(error = %error, "an answer was cut short");
    sender.abort();
}

/// The body, sent back piece by piece; cut off beyond `most` bytes, or where the next piece does not come in time.
pub(super) fn echo(mut body: Body, most: usize, patience: Duration) -> Body {
    if body.is_end_stream() {
        return Body::empty();
    }
    let (mut sender, answer) = Body::channel();
    tokio::spawn(async move {
        let mut received = 0_usize;
        loop {
            let piece = match timeout(patience, body.data()).await {
                Ok(None) => return,
                Ok(Some(Ok(piece))) if received.saturating_add(piece.len()) <= most => piece,
                Ok(Some(_)) | Err(_) => return sender.abort(),
            };
            received += piece.len();
            if sender.send_data(piece).await.is_err() {
                return; // the client is gone
            }
        }
    });
    answer
}
