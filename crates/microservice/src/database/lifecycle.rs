//! The kit's own calls to a service's database, as a trait object.
//!
//! Only a service with a schema creates the object. So the linker leaves the driver out of all other services.

use std::fmt;

use super::{Database, DatabaseError, Deadline};
use crate::BoxFuture;
use crate::metrics::MetricWriter;

/// The calls of a [`Database`] that the kit's routes and the process's start and end need.
pub(crate) trait DatabaseLifecycle: fmt::Debug + Send + Sync {
    /// [`Database::log_weakness`].
    fn log_weakness(&self);

    /// [`Database::write_metrics`].
    fn write_metrics(&self, writer: &mut MetricWriter<'_>) -> fmt::Result;

    /// [`Database::migrate`].
    fn migrate(&self, deadline: Deadline) -> BoxFuture<'_, Result<(), DatabaseError>>;

    /// [`Database::reset`].
    fn reset(&self, deadline: Deadline) -> BoxFuture<'_, Result<(), DatabaseError>>;

    /// [`Database::check_ready`].
    fn check_ready(&self, deadline: Deadline) -> BoxFuture<'_, Result<(), DatabaseError>>;

    /// [`Database::delete_expired_keys`].
    fn delete_expired_keys(&self) -> BoxFuture<'_, ()>;

    /// [`Database::close`].
    fn close(&self) -> BoxFuture<'_, ()>;
}

impl DatabaseLifecycle for Database {
    fn log_weakness(&self) {
        self.log_weakness();
    }

    fn write_metrics(&self, writer: &mut MetricWriter<'_>) -> fmt::Result {
        self.write_metrics(writer)
    }

    fn migrate(&self, deadline: Deadline) -> BoxFuture<'_, Result<(), DatabaseError>> {
        Box::pin(self.migrate(deadline))
    }

    fn reset(&self, deadline: Deadline) -> BoxFuture<'_, Result<(), DatabaseError>> {
        Box::pin(self.reset(deadline))
    }

    fn check_ready(&self, deadline: Deadline) -> BoxFuture<'_, Result<(), DatabaseError>> {
        Box::pin(self.check_ready(deadline))
    }

    fn delete_expired_keys(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.delete_expired_keys())
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.close())
    }
}
