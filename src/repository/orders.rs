//! The statements about orders.

use mysql_async::{Params, Row, Value};

use super::retry::retrying;
use super::session::Session;
use super::{Deadline, Repository, RepositoryError};
use crate::domain::{Address, Draft, Money, Order, OrderDetails, OrderId, ProductId, Quantity};

/// Orders in one INSERT. More spares little, and a statement has at most 65,535 parameters.
const ROWS_PER_INSERT: usize = 500;

/// The smallest full chunk after the large ones: few sizes of statement, so that each is prepared once a connection.
const FEW_ROWS_PER_INSERT: usize = 20;

const COLUMNS: &str = "order_id, product_id, quantity, amount, shipping, tax, shipping_address";

/// What a caller asks of an order before it may be changed.
pub type Condition<'c> = &'c (dyn Fn(&Order) -> bool + Send + Sync);

impl Repository {
    /// Writes a new order; gives it with its id, which the database chooses where the draft has none.
    ///
    /// # Errors
    /// [`RepositoryError::Duplicate`], [`RepositoryError::IdsExhausted`], and those of any write.
    pub async fn insert(&self, draft: &Draft, deadline: Deadline) -> Result<Order, RepositoryError> {
        let id = retrying(deadline, || self.insert_once(draft, deadline)).await?;
        Ok(Order { id, details: draft.details.clone() })
    }

    /// Writes new orders, all or none.
    ///
    /// # Errors
    /// Those of [`Repository::insert`].
    pub async fn insert_all(&self, orders: &[Order], deadline: Deadline) -> Result<(), RepositoryError> {
        if orders.is_empty() {
            return Ok(());
        }
        retrying(deadline, || self.insert_all_once(orders, deadline)).await
    }

    /// The order with that id.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`], and those of any read.
    pub async fn find(&self, id: OrderId, deadline: Deadline) -> Result<Order, RepositoryError> {
        retrying(deadline, || self.find_once(id, deadline)).await
    }

    /// At most `limit` orders with ids above `after`, by id.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn page(
        &self,
        after: Option<OrderId>,
        limit: u32,
        deadline: Deadline,
    ) -> Result<Vec<Order>, RepositoryError> {
        retrying(deadline, || self.page_once(after, limit, deadline)).await
    }

    /// Replaces the order with that id, if it meets the condition.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`], [`RepositoryError::PreconditionFailed`], and those of any write.
    pub async fn replace(
        &self,
        order: &Order,
        condition: Option<Condition<'_>>,
        deadline: Deadline,
    ) -> Result<(), RepositoryError> {
        retrying(deadline, || self.replace_once(order, condition, deadline)).await
    }

    /// Deletes the order with that id, if it meets the condition.
    ///
    /// # Errors
    /// Those of [`Repository::replace`].
    pub async fn delete(
        &self,
        id: OrderId,
        condition: Option<Condition<'_>>,
        deadline: Deadline,
    ) -> Result<(), RepositoryError> {
        retrying(deadline, || self.delete_once(id, condition, deadline)).await
    }

    async fn insert_once(&self, draft: &Draft, deadline: Deadline) -> Result<OrderId, RepositoryError> {
        let mut session = self.connections.transaction(deadline).await?;
        let written = insert(&mut session, draft).await;
        session.end_transaction(written).await
    }

    async fn insert_all_once(&self, orders: &[Order], deadline: Deadline) -> Result<(), RepositoryError> {
        let mut session = self.connections.transaction(deadline).await?;
        let written = insert_chunks(&mut session, orders).await;
        session.end_transaction(written).await
    }

    async fn find_once(&self, id: OrderId, deadline: Deadline) -> Result<Order, RepositoryError> {
        let mut session = self.connections.session(deadline).await?;
        let found = select(&mut session, id, "").await;
        session.end_read(found)
    }

    async fn page_once(
        &self,
        after: Option<OrderId>,
        limit: u32,
        deadline: Deadline,
    ) -> Result<Vec<Order>, RepositoryError> {
        let mut session = self.connections.session(deadline).await?;
        let sql = format!("SELECT {COLUMNS} FROM orders WHERE order_id > ? ORDER BY order_id LIMIT ?");
        let rows = session.rows(sql, (after.map_or(0, OrderId::get), limit)).await;
        session.end_read(rows)?.into_iter().map(order).collect()
    }

    async fn replace_once(
        &self,
        order: &Order,
        condition: Option<Condition<'_>>,
        deadline: Deadline,
    ) -> Result<(), RepositoryError> {
        let mut session = self.connections.transaction(deadline).await?;
        let replaced = update(&mut session, order, condition).await;
        session.end_transaction(replaced).await
    }

    async fn delete_once(
        &self,
        id: OrderId,
        condition: Option<Condition<'_>>,
        deadline: Deadline,
    ) -> Result<(), RepositoryError> {
        let mut session = self.connections.transaction(deadline).await?;
        let deleted = delete(&mut session, id, condition).await;
        session.end_transaction(deleted).await
    }
}

async fn insert(session: &mut Session, draft: &Draft) -> Result<OrderId, RepositoryError> {
    const WITHOUT_ID: &str = "INSERT INTO orders (product_id, quantity, amount, shipping, tax, shipping_address) \
                              VALUES (?, ?, ?, ?, ?, ?)";
    if let Some(id) = draft.id {
        insert_rows(session, 1, parameters(id, &draft.details).to_vec()).await?;
        return Ok(id);
    }
    session.execute(WITHOUT_ID, Params::Positional(detail_parameters(&draft.details).to_vec())).await?;
    let id = session.last_insert_id()?.and_then(|id| u32::try_from(id).ok()).and_then(OrderId::new);
    id.ok_or_else(|| RepositoryError::Internal("an INSERT gave no id".into()))
}

async fn insert_chunks(session: &mut Session, orders: &[Order]) -> Result<(), RepositoryError> {
    for chunk in chunks(orders) {
        let parameters = chunk.iter().flat_map(|order| parameters(order.id, &order.details)).collect();
        insert_rows(session, chunk.len(), parameters).await?;
    }
    Ok(())
}

async fn update(session: &mut Session, order: &Order, condition: Option<Condition<'_>>) -> Result<(), RepositoryError> {
    const SQL: &str = "UPDATE orders SET product_id = ?, quantity = ?, amount = ?, shipping = ?, tax = ?, \
                       shipping_address = ? WHERE order_id = ?";
    check(session, order.id, condition).await?;
    let [id, details @ ..] = parameters(order.id, &order.details);
    let parameters = details.into_iter().chain([id]).collect();
    found(session.execute(SQL, Params::Positional(parameters)).await?, order.id)
}

async fn delete(session: &mut Session, id: OrderId, condition: Option<Condition<'_>>) -> Result<(), RepositoryError> {
    check(session, id, condition).await?;
    found(session.execute("DELETE FROM orders WHERE order_id = ?", (id.get(),)).await?, id)
}

/// Fails unless the order meets the condition; holds it against others until the transaction ends.
async fn check(session: &mut Session, id: OrderId, condition: Option<Condition<'_>>) -> Result<(), RepositoryError> {
    let Some(condition) = condition else { return Ok(()) };
    let current = select(session, id, " FOR UPDATE").await?;
    if condition(&current) { Ok(()) } else { Err(RepositoryError::PreconditionFailed(id)) }
}

async fn select(session: &mut Session, id: OrderId, lock: &str) -> Result<Order, RepositoryError> {
    let sql = format!("SELECT {COLUMNS} FROM orders WHERE order_id = ?{lock}");
    let row = session.rows(sql, (id.get(),)).await?.into_iter().next();
    row.map_or(Err(RepositoryError::NotFound(id)), order)
}

fn found(rows: u64, id: OrderId) -> Result<(), RepositoryError> {
    if rows > 0 { Ok(()) } else { Err(RepositoryError::NotFound(id)) }
}

async fn insert_rows(session: &mut Session, rows: usize, parameters: Vec<Value>) -> Result<(), RepositoryError> {
    let places = vec!["(?, ?, ?, ?, ?, ?, ?)"; rows].join(", ");
    let sql = format!("INSERT INTO orders ({COLUMNS}) VALUES {places}");
    session.execute(sql, Params::Positional(parameters)).await?;
    Ok(())
}

/// Large chunks, then small ones, then one by one.
fn chunks(orders: &[Order]) -> impl Iterator<Item = &[Order]> {
    let (large, rest) = orders.split_at(orders.len() - orders.len() % ROWS_PER_INSERT);
    let (small, single) = rest.split_at(rest.len() - rest.len() % FEW_ROWS_PER_INSERT);
    large.chunks(ROWS_PER_INSERT).chain(small.chunks(FEW_ROWS_PER_INSERT)).chain(single.chunks(1))
}

/// The values in the order of [`COLUMNS`].
fn parameters(id: OrderId, details: &OrderDetails) -> [Value; 7] {
    let [product_id, quantity, amount, shipping, tax, address] = detail_parameters(details);
    [id.get().into(), product_id, quantity, amount, shipping, tax, address]
}

fn detail_parameters(details: &OrderDetails) -> [Value; 6] {
    [
        details.product_id.get().into(),
        details.quantity.get().into(),
        details.amount.to_string().into(),
        details.shipping.to_string().into(),
        details.tax.to_string().into(),
        details.shipping_address.as_str().into(),
    ]
}

/// A row with [`COLUMNS`] as an order.
fn order(row: Row) -> Result<Order, RepositoryError> {
    let name = row.get_opt::<String, _>(0).and_then(Result::ok).unwrap_or_default();
    let wrong =
        || RepositoryError::Internal(format!("the row with order_id {name:?} is no order: something else wrote it"));
    let [id, product_id, quantity, amount, shipping, tax, address] =
        <[Value; 7]>::try_from(row.unwrap_raw().into_iter().flatten().collect::<Vec<_>>()).map_err(|_| wrong())?;
    (|| {
        Some(Order {
            id: OrderId::new(number(&id)?)?,
            details: OrderDetails {
                product_id: ProductId::new(number(&product_id)?)?,
                quantity: Quantity::new(number(&quantity)?)?,
                amount: money(&amount)?,
                shipping: money(&shipping)?,
                tax: money(&tax)?,
                shipping_address: Address::new(text(address)?).ok()?,
            },
        })
    })()
    .ok_or_else(wrong)
}

fn number(value: &Value) -> Option<u32> {
    match *value {
        Value::Int(number) => u32::try_from(number).ok(),
        Value::UInt(number) => u32::try_from(number).ok(),
        _ => None,
    }
}

fn money(value: &Value) -> Option<Money> {
    match value {
        Value::Bytes(bytes) => Money::parse(std::str::from_utf8(bytes).ok()?).ok(),
        _ => None,
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::Bytes(bytes) => String::from_utf8(bytes).ok(),
        _ => None,
    }
}
