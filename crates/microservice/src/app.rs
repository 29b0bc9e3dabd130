//! The kit's own state: limits, and the permits that enforce them.

use std::fmt;
use std::sync::Arc;

use hyper::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::access::Credentials;
use crate::config::{ConfigError, Environment};
use crate::database::DatabaseLifecycle;
use crate::execution::Execution;
use crate::memory::MemoryBudget;
use crate::metrics::{MetricWriter, Metrics};
use crate::openapi::Description;
#[cfg(feature = "pages")]
use crate::page::PageFile;
use crate::platform;
use crate::problem::{Problem, ShedReason};
use crate::readiness::Readiness;
use crate::server::closing::MAX_REJECTIONS;
use crate::settings::{ALLOW_RESET, CORS_ALLOW_ORIGIN, Limits};
use crate::shutdown::Shutdown;
use crate::telemetry;
use crate::trace::Tracer;

/// Descriptors for the operator's listener, name lookups and files, and for connections that are being rejected.
const RESERVED_DESCRIPTORS: usize = 32 + MAX_REJECTIONS;

/// The kit's own state, shared by all requests.
#[derive(Debug)]
pub(crate) struct App {
    /// The service's name, in problem types and log lines.
    pub(crate) name: &'static str,
    pub(crate) descriptions: Descriptions,
    /// The files of the service's page.
    #[cfg(feature = "pages")]
    pub(crate) page: &'static [PageFile],
    /// Pages can be reached.
    #[cfg(feature = "pages")]
    pub(crate) serves_pages: bool,
    /// How this process executes its code, as measured at the start.
    pub(crate) execution: Execution,
    pub(crate) limits: Limits,
    pub(crate) allow_reset: bool,
    pub(crate) cors_allow_origin: Option<String>,
    /// The tokens of those who may call.
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) shutdown: Shutdown,
    /// None for a service without a database.
    pub(crate) database: Option<Arc<dyn DatabaseLifecycle>>,
    pub(crate) readiness: Readiness,
    /// The budget of all bytes that are held for clients.
    pub(crate) memory: MemoryBudget,
    /// Descriptors that clients cannot take: the database and the operator need them.
    pub(crate) reserved_descriptors: usize,
    pub(crate) metrics: Metrics,
    pub(crate) tracer: Tracer,
    in_flight: Arc<Semaphore>,
    streams: Arc<Semaphore>,
}

/// What observes the requests.
#[derive(Debug)]
pub(crate) struct Observation {
    pub(crate) metrics: Metrics,
    pub(crate) tracer: Tracer,
}

/// What the service says of its routes.
#[derive(Debug)]
pub(crate) struct Descriptions {
    /// The text of `GET /`.
    pub(crate) index: Bytes,
    /// The public listener's `GET /openapi.json`.
    pub(crate) public: Description,
    /// The operator's.
    pub(crate) operators: Description,
}

impl App {
    pub(crate) fn new(
        name: &'static str,
        observation: Observation,
        descriptions: Descriptions,
        environment: &Environment<'_>,
        shutdown: Shutdown,
        database: Option<Arc<dyn DatabaseLifecycle>>,
    ) -> Result<Self, ConfigError> {
        let limits = Limits::read(environment)?;
        Ok(Self {
            name,
            metrics: observation.metrics,
            tracer: observation.tracer,
            descriptions,
            #[cfg(feature = "pages")]
            page: &[],
            #[cfg(feature = "pages")]
            serves_pages: environment.get(&crate::settings::UI)?,
            execution: Execution::measure(),
            allow_reset: database.is_some() && environment.get(&ALLOW_RESET)?,
            cors_allow_origin: environment.find(&CORS_ALLOW_ORIGIN)?,
            credentials: Arc::new(Credentials::read(environment)?),
            shutdown,
            database,
            reserved_descriptors: RESERVED_DESCRIPTORS,
            readiness: Readiness::new(),
            memory: MemoryBudget::new(limits.max_buffered_bytes),
            in_flight: Arc::new(Semaphore::new(limits.max_in_flight)),
            streams: Arc::new(Semaphore::new(limits.max_streams)),
            limits,
        })
    }

    /// Writes the metrics of all parts of the kit.
    pub(crate) fn write_metrics(&self, writer: &mut MetricWriter<'_>) -> fmt::Result {
        let Metrics { process, requests, connections, shed, service: _ } = &self.metrics;
        process.write_metrics(self.execution, writer)?;
        requests.write_metrics(writer)?;
        let in_flight = self.limits.max_in_flight.saturating_sub(self.in_flight.available_permits());
        let streams = self.limits.max_streams.saturating_sub(self.streams.available_permits());
        writer.gauge("http_server_active_requests", None, "Requests that are being handled", &in_flight)?;
        writer.gauge("http_server_active_requests_limit", None, "MAX_IN_FLIGHT", &self.limits.max_in_flight)?;
        writer.gauge("http_server_active_streams", None, "Responses that are being streamed", &streams)?;
        writer.gauge("http_server_active_streams_limit", None, "MAX_STREAMS", &self.limits.max_streams)?;
        shed.write_metrics(writer)?;
        connections.write_metrics(self.limits.max_connections, writer)?;
        self.memory.write_metrics(writer)?;
        if let Some(database) = &self.database {
            database.write_metrics(writer)?;
        }
        telemetry::write_metrics(writer)?;
        self.tracer.write_metrics(writer)?;
        platform::write_metrics(writer)
    }

    /// Admits a request: it is in flight for as long as the permit lives.
    pub(crate) fn admit(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let permit = Arc::clone(&self.in_flight).try_acquire_owned();
        permit.map_err(|_| Problem::overloaded("Too many requests are in flight.").shed_by(ShedReason::InFlight))
    }

    /// Admits a response that is streamed.
    pub(crate) fn admit_stream(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let permit = Arc::clone(&self.streams).try_acquire_owned();
        permit.map_err(|_| Problem::overloaded("Too many long responses are being sent.").shed_by(ShedReason::Streams))
    }
}
