//! What can be done with orders at the database.

use microservice::database::{Deadline, Part, Write};
use microservice::http::reply::Reply;

use super::statements::{check_condition, delete, insert, insert_all, select, select_after, update};
use super::{Repository, RepositoryError};
use crate::domain::{Draft, Order, OrderId};

/// What a caller requires of an order before it is changed.
pub type Condition<'c> = &'c (dyn Fn(&Order) -> bool + Send + Sync);

impl Repository {
    /// Writes a new order. `reply` makes the response to it, with its id, which the database chooses if the draft has
    /// none.
    ///
    /// # Errors
    /// [`RepositoryError::Duplicate`], [`RepositoryError::IdsExhausted`], and those of any write.
    pub async fn insert(
        &self,
        draft: &Draft,
        write: Write,
        reply: fn(&Order) -> Reply,
    ) -> Result<Reply, RepositoryError> {
        let work = self.database.write(write, |session| {
            Box::pin(async move {
                let id = insert(session, draft).await?;
                Ok(reply(&Order { id, details: draft.details.clone() }))
            })
        });
        work.await
    }

    /// Writes new orders, all or none.
    ///
    /// # Errors
    /// Those of [`Repository::insert`].
    pub async fn insert_all(
        &self,
        orders: &[Order],
        write: Write,
        reply: fn() -> Reply,
    ) -> Result<Reply, RepositoryError> {
        let work = self.database.write(write, |session| {
            Box::pin(async move {
                insert_all(session, orders).await?;
                Ok(reply())
            })
        });
        work.await
    }

    /// The order with this id.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`], and those of any read.
    pub async fn find(&self, id: OrderId, deadline: Deadline) -> Result<Order, RepositoryError> {
        self.database.read(deadline, |session| Box::pin(select(session, id, ""))).await
    }

    /// At most `limit` orders with ids above `after`, by id, for that part of a response.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn page(
        &self,
        part: Part,
        after: Option<OrderId>,
        limit: u32,
        deadline: Deadline,
    ) -> Result<Vec<Order>, RepositoryError> {
        self.database.read_part(part, deadline, |session| Box::pin(select_after(session, after, limit))).await
    }

    /// Replaces the order with the same id, if it meets the condition.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`], [`RepositoryError::PreconditionFailed`], and those of any write.
    pub async fn replace(
        &self,
        order: &Order,
        condition: Option<Condition<'_>>,
        write: Write,
        reply: fn(&Order) -> Reply,
    ) -> Result<Reply, RepositoryError> {
        let work = self.database.write(write, |session| {
            Box::pin(async move {
                check_condition(session, order.id, condition).await?;
                update(session, order).await?;
                Ok(reply(order))
            })
        });
        work.await
    }

    /// Deletes the order with this id, if it meets the condition.
    ///
    /// # Errors
    /// Those of [`Repository::replace`].
    pub async fn delete(
        &self,
        id: OrderId,
        condition: Option<Condition<'_>>,
        write: Write,
        reply: fn() -> Reply,
    ) -> Result<Reply, RepositoryError> {
        let work = self.database.write(write, |session| {
            Box::pin(async move {
                check_condition(session, id, condition).await?;
                delete(session, id).await?;
                Ok(reply())
            })
        });
        work.await
    }
}
