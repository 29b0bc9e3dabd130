//! A service, and the start and end of its process.

use std::convert::Infallible;
use std::fmt;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use prometheus_client::registry::{Metric, Registry};
use tokio::net::TcpListener;

use crate::access::{self, Access, AccessSettings};
use crate::app::{App, Descriptions, Observation};
use crate::config::{self, AnyVariable, ConfigError, Environment};
use crate::database::{self, Database, DatabaseLifecycle, DatabaseSettings, Deadline, Schema};
use crate::metrics::Metrics;
use crate::openapi::{self, Description, Document, Security};
use crate::operations::ADMIN_ROUTES;
#[cfg(feature = "pages")]
use crate::page::PageFile;
use crate::platform;
use crate::problem::ProblemType;
use crate::router::Router;
use crate::routes::{self, Route};
use crate::server::{self, Endpoint};
use crate::settings::{self, FATAL_EXIT, FatalExit, Limits, ProcessSettings};
use crate::shutdown::Shutdown;
use crate::sync::lock;
use crate::telemetry::{self, LogSettings};
use crate::trace::{self, TraceSettings, Tracer};

/// The exit statuses of BSD's sysexits.h: EX_USAGE for a wrong configuration, EX_OSERR for an error of the operating
/// system.
const EXIT_USAGE: u8 = 64;
const EXIT_OS_ERROR: u8 = 71;

/// The interval of attempts to create the tables while the database is not available.
const MIGRATION_RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// A service: its tables of routes and variables, and the state that its handlers share.
pub trait Service: Sized + Send + Sync + 'static {
    /// The service's name, as in problem types and error messages. Usually `env!("CARGO_PKG_NAME")`.
    const NAME: &'static str;

    /// The service's version. Usually `env!("CARGO_PKG_VERSION")`.
    const VERSION: &'static str;

    /// What the service is, in a sentence: the head of `GET /`.
    const ABOUT: &'static str;

    /// The license of the API's description, as an SPDX expression. Usually `Some(env!("CARGO_PKG_LICENSE"))`.
    const LICENSE: Option<&'static str> = None;

    /// The routes of the public listener.
    const ROUTES: &'static [Route<Self>];

    /// The files of the service's page, which [`operations::ui`](crate::operations::ui) shows. A build script makes
    /// them (`crates/page_files`).
    #[cfg(feature = "pages")]
    const PAGE: &'static [PageFile] = &[];

    /// The service's own variables.
    const VARIABLES: &'static [&'static dyn AnyVariable] = &[];

    /// The service's tables, where it has a database.
    const SCHEMA: Option<Schema> = None;

    /// Makes the state that handlers share.
    ///
    /// # Errors
    /// A variable is wrong.
    fn new(context: &Context<'_>) -> Result<Self, ConfigError>;
}

/// The inputs of [`Service::new`].
#[derive(Debug)]
pub struct Context<'c> {
    /// The variables.
    pub environment: &'c Environment<'c>,
    /// The kit's limits, for variables that must fit them.
    pub limits: &'c Limits,
    database: Option<Database>,
    metrics: Mutex<Registry>,
}

impl Context<'_> {
    /// Adds a metric of the service's own to `GET /metrics`: a counter, gauge, histogram or family of
    /// [`prometheus_client`]. It appears with the service's name in front, as in `order_service_items_sold_total`, so
    /// that it never has the name of one of the kit's. `name` is without `_total`, and different for each metric.
    /// Labels should have values from a fixed list.
    pub fn register_metric(&self, name: &str, help: &str, metric: impl Metric) {
        lock(&self.metrics).register(name, help, metric);
    }

    /// The database of a service with a [`Service::SCHEMA`].
    ///
    /// # Errors
    /// The service has no schema: a mistake in its code.
    pub fn database(&self) -> Result<Database, ConfigError> {
        let missing = || ConfigError::new(&database::DATABASE_URL, "is not read, because Service::SCHEMA is None");
        self.database.clone().ok_or_else(missing)
    }
}

/// All variables of a service, in the order of `--help`.
#[must_use]
pub fn variables<S: Service>() -> Vec<&'static dyn AnyVariable> {
    let (database, schema) = match S::SCHEMA {
        Some(_) => (database::VARIABLES, settings::SCHEMA_VARIABLES),
        None => (&[][..], &[][..]),
    };
    let has_keys = S::SCHEMA.is_some_and(|schema| schema.idempotency_table().is_some());
    let parts = [
        database,
        if has_keys { database::IDEMPOTENCY_VARIABLES } else { &[] },
        settings::PROCESS_VARIABLES,
        access::VARIABLES,
        schema,
        S::VARIABLES,
        settings::LIMIT_VARIABLES,
        telemetry::VARIABLES,
        trace::VARIABLES,
    ];
    parts.concat()
}

/// Runs the service until it is shut down. This is all that `main` has to call.
///
/// The arguments `--help`, `--version`, `--variables` and `--openapi` print and end. Without arguments the process
/// serves; it ends with status 0 after a shutdown, 64 for an invalid configuration, 71 for an error of the operating
/// system.
pub fn run<S: Service>() -> ! {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => {}
        (Some("--help"), None) => print_and_exit(&config::help(S::NAME, S::VERSION, &variables::<S>())),
        (Some("--version"), None) => print_and_exit(&format!("{} {}\n", S::NAME, S::VERSION)),
        (Some("--variables"), None) => print_and_exit(&config::variables_as_json(&variables::<S>())),
        (Some("--openapi"), None) => print_and_exit(&format!("{:#}\n", describe::<S>())),
        _ => fail::<S>(EXIT_USAGE, "the arguments are not known; --help lists them"),
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => fail::<S>(EXIT_OS_ERROR, &format!("cannot start the runtime: {error}")),
    };
    runtime.block_on(async {
        // In tokio_wasi a task does not wake this future (docs/PLATFORM.md). So this future is pending for ever, and
        // the spawned task ends the process.
        tokio::spawn(async {
            let Err(error) = start::<S>().await;
            telemetry::flush();
            let status = if error.is::<ConfigError>() { EXIT_USAGE } else { EXIT_OS_ERROR };
            fail::<S>(status, &format!("{error:#}"));
        });
        std::future::pending().await
    })
}

/// A configured service: everything that the variables decide.
pub struct Configured<S> {
    process: ProcessSettings,
    access: AccessSettings,
    log: LogSettings,
    app: App,
    service: S,
}

impl<S> fmt::Debug for Configured<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Configured").field("process", &self.process).field("app", &self.app).finish_non_exhaustive()
    }
}

/// Reads all variables and makes the service's state from them. [`run`] does this first; tests use it to check
/// configurations.
///
/// # Errors
/// The first variable that is wrong.
pub fn configure<S: Service>(environment: &Environment<'_>) -> Result<Configured<S>, ConfigError> {
    environment.get(&FATAL_EXIT)?;
    let process = ProcessSettings::read(environment, S::SCHEMA.is_some())?;
    let log = LogSettings::read(environment)?;
    let access = AccessSettings::read(environment)?;
    // Only the first arm needs the driver. The compiler drops that arm for a service without a schema.
    let (database, lifecycle, pool_max): (_, Option<Arc<dyn DatabaseLifecycle>>, _) = match S::SCHEMA {
        Some(schema) => {
            let settings = DatabaseSettings::read(environment)?;
            let database = Database::new(&settings, schema);
            (Some(database.clone()), Some(Arc::new(database)), settings.pool_max())
        }
        None => (None, None, 0),
    };
    let descriptions = Descriptions {
        index: format!("{}\n\n{}", S::ABOUT, routes::as_text(S::ROUTES)).into(),
        public: Description::new(access.has_rate_limits(), |security| document::<S>(security).describe(S::ROUTES)),
        operators: Description::new(false, operators_document::<S>),
    };
    let metrics = Metrics::new(S::NAME, S::VERSION, S::ROUTES.iter().map(|route| (route.method, route.path)).collect());
    let tracer = Tracer::new(TraceSettings::read(environment, S::NAME, S::VERSION)?);
    let observation = Observation { metrics, tracer };
    let mut app =
        App::new(S::NAME, observation, descriptions, environment, Shutdown::new(process.drain_delay), lifecycle)?;
    app.reserved_descriptors += pool_max;
    #[cfg(feature = "pages")]
    {
        app.page = S::PAGE;
    }
    let own_registry = Registry::with_prefix(S::NAME.replace('-', "_"));
    let context = Context { environment, limits: &app.limits, database, metrics: Mutex::new(own_registry) };
    let service = S::new(&context)?;
    let own_metrics = context.metrics.into_inner().unwrap_or_else(PoisonError::into_inner);
    app.metrics.service = own_metrics;
    Ok(Configured { process, access, log, app, service })
}

/// What the API's description says of the service as a whole.
fn document<S: Service>(security: Security) -> Document {
    Document { name: S::NAME, version: S::VERSION, about: S::ABOUT, license: S::LICENSE, security }
}

/// The description of the operator's listener.
fn operators_document<S: Service>(security: Security) -> serde_json::Value {
    let about = "The operator's listener, at ADMIN_ADDR.";
    Document { about, ..document::<S>(security) }.describe(ADMIN_ROUTES)
}

/// The description of the operator's listener, as [`describe`] gives that of the public one.
#[must_use]
pub fn describe_operators<S: Service>() -> serde_json::Value {
    operators_document::<S>(Security { needs_tokens: true, has_rate_limits: false })
}

/// The public listener's description, with all that a configuration can add: for tools that compare versions.
#[must_use]
pub fn describe<S: Service>() -> serde_json::Value {
    document::<S>(Security { needs_tokens: true, has_rate_limits: true }).describe(S::ROUTES)
}

/// All problem types of a service and of its operator's listener, by status and slug.
#[must_use]
pub fn problem_types<S: Service>() -> Vec<&'static ProblemType> {
    openapi::problems_of_tables(S::ROUTES, ADMIN_ROUTES)
}

/// What the service's table of routes and its types of problems get wrong: operations that are missing or have the same
/// id, parameters that the path and the operation do not share, types of the same name. For a unit test of each
/// service.
#[must_use]
pub fn mistakes<S: Service>() -> Vec<String> {
    openapi::mistakes_in_table(S::ROUTES, S::SCHEMA, &problem_types::<S>())
}

/// Starts and serves. Ends the process itself after a shutdown.
async fn start<S: Service>() -> anyhow::Result<Infallible> {
    let Configured { process, access, log, app, service } = configure::<S>(&Environment::of_process())?;
    platform::seed_random();
    telemetry::install(&log, crate_name::<S>());
    serve(&process, &access, Arc::new(app), Arc::new(service)).await
}

async fn serve<S: Service>(
    process: &ProcessSettings,
    settings: &AccessSettings,
    app: Arc<App>,
    service: Arc<S>,
) -> anyhow::Result<Infallible> {
    let listener = listen("LISTEN_ADDR", process.listen_addr)?;
    let address = listener.local_addr().unwrap_or(process.listen_addr);
    let admin = match process.admin_addr {
        Some(address) => {
            let access = Access::operator(S::NAME, address, Arc::clone(&app.credentials));
            let router = Router::new(Arc::new(()), ADMIN_ROUTES);
            Some(Endpoint { listener: listen("ADMIN_ADDR", address)?, router, access })
        }
        None => None,
    };
    tokio::spawn(telemetry::write_out());
    let exported = Arc::clone(&app);
    tokio::spawn(async move { exported.tracer.export().await });
    tracing::info!(address = %address, version = S::VERSION, execution = app.execution.as_str(), "listening");
    app.execution.log_if_interpreted(process.allow_interpreter);
    if app.credentials.are_configured() {
        let credentials = Arc::clone(&app.credentials);
        tokio::spawn(async move { credentials.watch_files().await });
    } else if !address.ip().is_loopback() {
        tracing::warn!("everyone who reaches this address may read and write, because API_TOKENS_FILE is not set");
    }
    if let Some(database) = &app.database {
        database.log_weakness();
        let database = Arc::clone(database);
        tokio::spawn(async move { database.delete_expired_keys().await });
    }
    if let (Some(database), true) = (&app.database, process.auto_init) {
        app.readiness.await_migrations();
        tokio::spawn(migrate(Arc::clone(&app), Arc::clone(database)));
    }
    let (origin, credentials) = (app.cors_allow_origin.clone(), Arc::clone(&app.credentials));
    let access = Access::public(S::NAME, settings, address, origin, credentials);
    let public = Endpoint { listener, router: Router::new(service, S::ROUTES), access };
    server::run(&app, public, admin, process.drain_timeout).await;
    app.tracer.close().await;
    tracing::info!("shut down");
    telemetry::flush();
    // Exits without dropping the remaining connections one by one.
    std::process::exit(0)
}

fn listen(variable: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    server::listen(address).with_context(|| format!("cannot listen on {address}; {variable} names another address"))
}

/// Creates missing tables as soon as the database is available. Until then the service runs, but is not ready.
async fn migrate(app: Arc<App>, database: Arc<dyn DatabaseLifecycle>) {
    let mut last_error = String::new();
    while let Err(error) = database.migrate(Deadline::none()).await {
        let error = error.to_string();
        if error != last_error {
            tracing::warn!(error, "the database is not ready; trying again every second");
            last_error = error;
        }
        tokio::time::sleep(MIGRATION_RETRY_INTERVAL).await;
    }
    app.readiness.migrated();
    tracing::info!("the database is ready");
}

/// The crate that defines the service: the first part of its type's path, as in its log targets.
fn crate_name<S>() -> &'static str {
    std::any::type_name::<S>().split("::").next().unwrap_or_default()
}

fn print_and_exit(text: &str) -> ! {
    // The reader may have closed the pipe.
    let _ = std::io::stdout().write_all(text.as_bytes());
    std::process::exit(0)
}

/// Prints the reason in one line and ends the process.
fn fail<S: Service>(status: u8, reason: &str) -> ! {
    // The reader may have closed the pipe.
    let _ = writeln!(std::io::stderr(), "{}: {reason}", S::NAME);
    match Environment::of_process().get(&FATAL_EXIT) {
        Ok(FatalExit::Trap) => std::process::abort(),
        Ok(FatalExit::Status) | Err(_) => std::process::exit(status.into()),
    }
}
