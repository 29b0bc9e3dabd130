//! What the kit itself does with a service's database, as an object.
//!
//! Only a service with a schema makes such an object, so the linker leaves the driver out of all other services.

use std::fmt;

use super::{Database, DatabaseError, Deadline};
use crate::BoxFuture;

/// The calls of a [`Database`] that routes and the process's start and end need.
pub(crate) trait DatabaseLifecycle: fmt::Debug + Send + Sync {
    /// [`Database::migrate`].
    fn migrate(&self, deadline: Deadline) -> BoxFuture<'_, Result<(), DatabaseError>>;

    /// [`Database::reset`].
    fn reset(&self, deadline: Deadline) -> BoxFuture<'_, Result<(), DatabaseError>>;

    /// [`Database::check_ready`].
    fn check_ready(&self, deadline: Deadline) -> BoxFuture<'_, Result<(), DatabaseError>>;

    /// [`Database::close`].
    fn close(&self) -> BoxFuture<'_, ()>;
}

impl DatabaseLifecycle for Database {
    fn migrate(&self, deadline: Deadline) -> BoxFuture<'_, Result<(), DatabaseError>> {
        Box::pin(self.migrate(deadline))
    }

    fn reset(&self, deadline: Deadline) -> BoxFuture<'_, Result<(), DatabaseError>> {
        Box::pin(self.reset(deadline))
    }

    fn check_ready(&self, deadline: Deadline) -> BoxFuture<'_, Result<(), DatabaseError>> {
        Box::pin(self.check_ready(deadline))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.close())
    }
}
