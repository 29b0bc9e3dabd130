//! How the driver is set up.

use std::time::Duration;

use mysql_async::{Opts, OptsBuilder, PoolConstraints, PoolOpts};

use super::DatabaseSettings;

/// How long an idle connection is kept.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The URL's options, with what the service needs of every connection.
pub(super) fn driver_options(settings: &DatabaseSettings) -> Opts {
    let constraints = PoolConstraints::new(0, settings.pool_max).unwrap_or_default();
    let pool = PoolOpts::default()
        .with_constraints(constraints)
        .with_inactive_connection_ttl(IDLE_TIMEOUT)
        // Nothing changes a session after its start, so a reset between uses would be a wasted round trip.
        .with_reset_connection(false);
    OptsBuilder::from_opts(settings.opts.clone())
        .pool_opts(pool)
        // WASI has no Unix sockets, and the native build has to behave the same.
        .prefer_socket(false)
        // An UPDATE that changes nothing must still count its row as found.
        .client_found_rows(true)
        .init(vec![session_variables(settings.statement_timeout)])
        .into()
}

/// The first statement on each connection: strict values, and the server's own limits on statements and lock waits, so
/// that work which the service has given up ends on the server, too. Only MariaDB reads `/*M! … */`.
fn session_variables(statement_timeout: Duration) -> String {
    format!(
        "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', innodb_lock_wait_timeout = {} \
         /*M! , max_statement_time = {} */",
        (statement_timeout.as_secs() / 2).max(1),
        statement_timeout.as_secs_f64(),
    )
}
