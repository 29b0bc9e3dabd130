//! The SQL statements about orders.

use microservice::database::{DatabaseError, Params, Session, Value};

use super::row::{COLUMNS, detail_parameters, order_from_row, order_parameters};
use super::{Condition, RepositoryError};
use crate::domain::{Draft, Order, OrderId};

/// Rows in a large INSERT. More gains little, and a statement has at most 65,535 parameters.
const ROWS_PER_LARGE_INSERT: usize = 500;

/// Rows in a small INSERT, for what the large ones leave. With few sizes each connection prepares few statements.
const ROWS_PER_SMALL_INSERT: usize = 20;

/// The largest row in an INSERT, in bytes: an address of 255 characters with 4 bytes each, six other values, and the
/// types of all. The statement's text is shorter.
const MAX_ROW_BYTES: usize = 1_200;

/// Inserts an order. Returns its id.
pub(super) async fn insert(session: &mut Session<'_>, draft: &Draft) -> Result<OrderId, RepositoryError> {
    const WITHOUT_ID: &str = "INSERT INTO orders (product_id, quantity, amount, shipping, tax, shipping_address) \
                              VALUES (?, ?, ?, ?, ?, ?)";
    if let Some(id) = draft.id {
        insert_rows(session, 1, order_parameters(id, &draft.details).to_vec()).await?;
        return Ok(id);
    }
    session.execute(WITHOUT_ID, Params::Positional(detail_parameters(&draft.details).to_vec())).await?;
    let id = session.last_insert_id()?.and_then(|id| u32::try_from(id).ok()).and_then(OrderId::new);
    id.ok_or_else(|| DatabaseError::Internal("an INSERT returned no id".into()).into())
}

/// Inserts orders with their ids, in statements that the server accepts.
pub(super) async fn insert_all(session: &mut Session<'_>, orders: &[Order]) -> Result<(), RepositoryError> {
    if orders.is_empty() {
        return Ok(());
    }
    let max_rows = (session.max_statement_bytes().await? / MAX_ROW_BYTES).max(1);
    for chunk in chunks(orders, max_rows) {
        let parameters = chunk.iter().flat_map(|order| order_parameters(order.id, &order.details)).collect();
        insert_rows(session, chunk.len(), parameters).await?;
    }
    Ok(())
}

/// Replaces an order.
pub(super) async fn update(session: &mut Session<'_>, order: &Order) -> Result<(), RepositoryError> {
    const SQL: &str = "UPDATE orders SET product_id = ?, quantity = ?, amount = ?, shipping = ?, tax = ?, \
                       shipping_address = ? WHERE order_id = ?";
    let [id, details @ ..] = order_parameters(order.id, &order.details);
    let parameters = details.into_iter().chain([id]).collect();
    expect_found(session.execute(SQL, Params::Positional(parameters)).await?, order.id)
}

/// Deletes an order.
pub(super) async fn delete(session: &mut Session<'_>, id: OrderId) -> Result<(), RepositoryError> {
    expect_found(session.execute("DELETE FROM orders WHERE order_id = ?", (id.get(),)).await?, id)
}

/// Fails unless the order meets the condition. Locks the order until the transaction ends.
pub(super) async fn check_condition(
    session: &mut Session<'_>,
    id: OrderId,
    condition: Option<Condition<'_>>,
) -> Result<(), RepositoryError> {
    let Some(condition) = condition else { return Ok(()) };
    let current = select(session, id, " FOR UPDATE").await?;
    if condition(&current) { Ok(()) } else { Err(RepositoryError::PreconditionFailed(id)) }
}

/// Reads an order; `lock` ends the statement.
pub(super) async fn select(session: &mut Session<'_>, id: OrderId, lock: &str) -> Result<Order, RepositoryError> {
    let sql = format!("SELECT {COLUMNS} FROM orders WHERE order_id = ?{lock}");
    let row = session.query(&sql, (id.get(),)).await?.into_iter().next();
    Ok(order_from_row(row.ok_or(RepositoryError::NotFound(id))?)?)
}

/// Reads at most `limit` orders with ids above `after`, by id.
pub(super) async fn select_after(
    session: &mut Session<'_>,
    after: Option<OrderId>,
    limit: u32,
) -> Result<Vec<Order>, RepositoryError> {
    let sql = format!("SELECT {COLUMNS} FROM orders WHERE order_id > ? ORDER BY order_id LIMIT ?");
    let rows = session.query(&sql, (after.map_or(0, OrderId::get), limit)).await?;
    Ok(rows.into_iter().map(order_from_row).collect::<Result<_, _>>()?)
}

fn expect_found(rows: u64, id: OrderId) -> Result<(), RepositoryError> {
    if rows > 0 { Ok(()) } else { Err(RepositoryError::NotFound(id)) }
}

async fn insert_rows(session: &mut Session<'_>, rows: usize, parameters: Vec<Value>) -> Result<(), RepositoryError> {
    let values = vec!["(?, ?, ?, ?, ?, ?, ?)"; rows].join(", ");
    let sql = format!("INSERT INTO orders ({COLUMNS}) VALUES {values}");
    session.execute(&sql, Params::Positional(parameters)).await?;
    Ok(())
}

/// Large chunks, then small ones, then single orders. No chunk has more than `max_rows`.
fn chunks(orders: &[Order], max_rows: usize) -> impl Iterator<Item = &[Order]> {
    let large_rows = ROWS_PER_LARGE_INSERT.min(max_rows);
    let small_rows = ROWS_PER_SMALL_INSERT.min(max_rows);
    let (large, rest) = orders.split_at(orders.len() - orders.len() % large_rows);
    let (small, single) = rest.split_at(rest.len() - rest.len() % small_rows);
    large.chunks(large_rows).chain(small.chunks(small_rows)).chain(single.chunks(1))
}
