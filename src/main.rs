//! The order service: configuration, then telemetry, then the database, then serving.

use std::convert::Infallible;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use order_service::config::{Config, ConfigError, FatalExit};
use order_service::handlers::App;
use order_service::repository::{Deadline, Repository};
use order_service::{server, telemetry};
use tokio::net::TcpListener;

/// What BSD's sysexits.h calls EX_USAGE and EX_OSERR: told wrongly; the system does not let it.
const WRONG_CONFIGURATION: u8 = 64;
const CANNOT_SERVE: u8 = 71;

/// How often the database is asked whether it is there, while it is not.
const AGAIN: Duration = Duration::from_secs(1);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // tokio_wasi does not hear a task that wakes this future until something else happens (docs/PLATFORM.md): so it waits for nothing,
    // and what is spawned here ends the process.
    tokio::spawn(async {
        let Err(error) = work().await;
        telemetry::flush();
        stop(error.downcast_ref::<ConfigError>().map_or(CANNOT_SERVE, |_| WRONG_CONFIGURATION), &format!("{error:#}"));
    });
    std::future::pending::<()>().await;
}

async fn work() -> anyhow::Result<Infallible> {
    let config = Config::from_env()?;
    telemetry::install(&config.log);
    serve(&config).await
}

/// Serves until the process has been asked to leave and has left.
async fn serve(config: &Config) -> anyhow::Result<Infallible> {
    let listener = listen("LISTEN_ADDR", config.listen_addr)?;
    let operator = match config.admin_addr {
        Some(address) => Some(listen("ADMIN_ADDR", address)?),
        None => None,
    };
    tokio::spawn(telemetry::write_out());
    tracing::info!(address = %listener.local_addr().unwrap_or(config.listen_addr), version = env!("CARGO_PKG_VERSION"), "listening");

    let repository = Arc::new(Repository::new(&config.database));
    if config.auto_init {
        tokio::spawn(initialise(Arc::clone(&repository), config.limits.request_timeout));
    }
    server::run(listener, operator, App::new(config, repository), config).await;
    tracing::info!("gone");
    telemetry::flush();
    // At once: what was cut off is not worth taking apart.
    std::process::exit(0)
}

fn listen(variable: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    server::listen(address).with_context(|| format!("cannot listen on {address}; {variable} names another address"))
}

/// Creates what is missing in the database as soon as it is there. The service answers meanwhile; it is just not ready.
async fn initialise(repository: Arc<Repository>, within: Duration) {
    let mut last_error = String::new();
    while let Err(error) = repository.migrate(Deadline::after(within)).await {
        let error = error.to_string();
        if error != last_error {
            tracing::warn!(error, "the database is not ready; asking again every second");
            last_error = error;
        }
        tokio::time::sleep(AGAIN).await;
    }
    tracing::info!("the database is ready");
}

/// Says in one line why the process ends, and ends it.
fn stop(status: u8, reason: &str) -> ! {
    // There may be nobody to read it.
    let _ = writeln!(std::io::stderr(), "order-service: {reason}");
    match Config::fatal_exit() {
        FatalExit::Status => std::process::exit(status.into()),
        FatalExit::Trap => std::process::abort(),
    }
}
