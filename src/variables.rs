//! The variables of the order service, beside the kit's.

use std::time::Duration;

use microservice::Context;
use microservice::config::{AnyVariable, ConfigError, Variable, types};

const BATCH_TIMEOUT: Variable<Duration> = Variable::new(
    "BATCH_TIMEOUT",
    types::DURATION,
    "60s",
    "for the work of `POST /create_orders` at the database, and once more for its COMMIT",
);
const MAX_ORDER_BYTES: Variable<usize> = Variable::new(
    "MAX_ORDER_BYTES",
    types::size::<1, { 16 * 1024 * 1024 }>(),
    "64KiB",
    "a body with one order, and each order of a batch",
);
const MAX_BATCH: Variable<usize> =
    Variable::new("MAX_BATCH", types::count::<1, 1_000_000>(), "100000", "orders in one `POST /create_orders`");

/// All of them.
pub const ALL: &[&dyn AnyVariable] = &[&BATCH_TIMEOUT, &MAX_ORDER_BYTES, &MAX_BATCH];

/// Bounds on requests that write orders.
#[derive(Debug, Clone)]
pub struct OrderLimits {
    /// For a batch's work at the database.
    pub batch_timeout: Duration,
    /// A body with one order, in bytes.
    pub max_order_bytes: usize,
    /// Orders in one batch.
    pub max_batch: usize,
}

impl OrderLimits {
    pub(crate) fn read(context: &Context<'_>) -> Result<Self, ConfigError> {
        let environment = context.environment;
        let max_order_bytes = environment.get(&MAX_ORDER_BYTES)?;
        if max_order_bytes > context.limits.max_buffered_bytes {
            let problem = format!("is {max_order_bytes} bytes, but must fit into MAX_BUFFERED_BYTES");
            return Err(ConfigError::new(&MAX_ORDER_BYTES, &problem));
        }
        Ok(Self {
            batch_timeout: environment.get(&BATCH_TIMEOUT)?,
            max_order_bytes,
            max_batch: environment.get(&MAX_BATCH)?,
        })
    }
}
