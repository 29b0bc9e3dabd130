//! Who is compared: the service in three runtimes, and beside them the server that such services are usually made from.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use testkit::{MariaDb, Runtime, Service};

use crate::{demo, http};

/// The rows behind `GET /orders` and `GET /orders/{id}`.
pub(crate) const ROWS: u32 = 5;

/// One of those that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Contestant {
    Interpreter,
    Aot,
    Native,
    /// hyper_wasi's server on the published binding, compiled ahead of time: it answers everything with one text.
    Demo,
}

impl Contestant {
    /// The service, in the order of the tables.
    pub(crate) const SERVICE: [Self; 3] = [Self::Interpreter, Self::Aot, Self::Native];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Interpreter => "interpreter",
            Self::Aot => "AOT",
            Self::Native => "native",
            Self::Demo => "hyper_wasi as published, AOT",
        }
    }

    fn runtime(self) -> Runtime {
        match self {
            Self::Interpreter => Runtime::Interpreter,
            Self::Aot | Self::Demo => Runtime::Aot,
            Self::Native => Runtime::Native,
        }
    }
}

/// A database with a few orders, and what starts the contestants on it.
#[derive(Debug)]
pub(crate) struct Contest {
    pub(crate) database: MariaDb,
    demo: PathBuf,
}

impl Contest {
    pub(crate) fn prepare() -> Result<Self> {
        let database = MariaDb::builder().option("--innodb-buffer-pool-size=512M").start()?;
        database.create_database("bench")?;
        let contest = Self { database, demo: demo::published()? };
        let service = contest.builder(Contestant::Native).start()?;
        wait_until_ready(&service)?;
        for id in 1..=ROWS {
            http::post(service.port(), "/create_order", &order(id)).context("the orders to read")?;
        }
        Ok(contest)
    }

    /// hyper_wasi's server on the published binding.
    pub(crate) fn demo(&self) -> &Path {
        &self.demo
    }

    /// What starts `contestant`; one line a request is not logged, by none of them.
    pub(crate) fn builder(&self, contestant: Contestant) -> testkit::service::Builder {
        self.builder_on(contestant, "bench")
    }

    /// The same on another database.
    pub(crate) fn builder_on(&self, contestant: Contestant, database: &str) -> testkit::service::Builder {
        let builder = Service::builder().runtime(contestant.runtime()).env("LOG_LEVEL", "warn");
        match contestant {
            Contestant::Demo => builder.program(&self.demo),
            _ => builder.database_url(&self.database.url(database)),
        }
    }

    /// All of them, running.
    pub(crate) fn start_all(&self) -> Result<Vec<(Contestant, Service)>> {
        let all = Contestant::SERVICE.into_iter().chain([Contestant::Demo]);
        all.map(|contestant| Ok((contestant, self.builder(contestant).start()?))).collect()
    }
}

/// An order as JSON.
pub(crate) fn order(id: u32) -> String {
    format!(
        r#"{{"order_id":{id},"product_id":12,"quantity":2,"amount":56.0,"shipping":15.0,"tax":2.0,"shipping_address":"Mataderos 2312"}}"#
    )
}

/// Waits until the service has made its tables: it listens before that.
pub(crate) fn wait_until_ready(service: &Service) -> Result<()> {
    let start = Instant::now();
    while !http::is_served(service.port(), "/ready") {
        ensure!(start.elapsed() < Duration::from_secs(20), "the service is not ready:\n{}", service.log());
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
