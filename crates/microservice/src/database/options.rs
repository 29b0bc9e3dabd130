//! How the driver is set up.

use std::time::Duration;

use mysql_async::{Opts, OptsBuilder, PoolConstraints, PoolOpts};

use super::session_variables::setup_statements;
use super::{DatabaseSettings, tls};

/// How long an idle connection is kept. With the interval of the checks this is less than the server's own timeout
/// (`session_variables`), so that the service closes idle connections, and not the server.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// The interval at which idle connections are checked.
const IDLE_CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// Within this time an idle connection was used again, or is closed.
pub(super) const MAX_IDLE_TIME: Duration = IDLE_TIMEOUT.saturating_add(IDLE_CHECK_INTERVAL);

/// The URL's options, with what the service needs of every connection.
pub(super) fn driver_options(settings: &DatabaseSettings) -> Opts {
    let constraints = PoolConstraints::new(0, settings.pool_max).unwrap_or_default();
    let pool = PoolOpts::default()
        .with_constraints(constraints)
        .with_inactive_connection_ttl(IDLE_TIMEOUT)
        .with_ttl_check_interval(IDLE_CHECK_INTERVAL)
        // Nothing changes a session after its start, so a reset between uses would be a wasted round trip.
        .with_reset_connection(false);
    OptsBuilder::from_opts(settings.opts.clone())
        .ip_or_hostname(tls::host(&settings.opts))
        .pool_opts(pool)
        // WASI has no Unix sockets, and the native build has to behave the same.
        .prefer_socket(false)
        // An UPDATE that changes nothing must still count its row as found.
        .client_found_rows(true)
        .init(vec![setup_statements(settings.statement_timeout)])
        .into()
}
