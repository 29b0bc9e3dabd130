//! The table of orders.

use microservice::database::{Migration, Schema};

/// The service's table and its migrations.
pub const SCHEMA: Schema =
    Schema::new(env!("CARGO_PKG_NAME"), &["orders"], MIGRATIONS).with_column_check(COUNT_VALID_COLUMNS, 7, ADVICE);

/// For a table `orders` that this service did not make.
const ADVICE: &str = "set DATABASE_URL to another database, or take the table over by scripts/take-over-table.sh";

/// A release's migrations never change; later ones follow.
const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "orders", sql: include_str!("../../migrations/0001_orders.sql") },
    Migration::idempotency_keys(2),
];

/// Counts the columns of `orders` that have the type and key which the migrations give them.
const COUNT_VALID_COLUMNS: &str = "SELECT COUNT(*) FROM information_schema.columns \
    WHERE table_schema = DATABASE() AND table_name = 'orders' AND CASE column_name \
        WHEN 'order_id' THEN column_type LIKE 'int%unsigned' AND column_key = 'PRI' AND extra LIKE '%auto_increment%' \
        WHEN 'product_id' THEN column_type LIKE 'int%unsigned' \
        WHEN 'quantity' THEN column_type LIKE 'int%unsigned' \
        WHEN 'shipping_address' THEN column_type = 'varchar(255)' \
        ELSE column_name IN ('amount', 'shipping', 'tax') AND column_type = 'decimal(12,2)' END";
