//! The variants that are compared: the service in three runtimes, and hyper_wasi's server as a baseline.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use testkit::http::Client;
use testkit::{MariaDb, Runtime, Service, wait_until};

use crate::{http, hyper_server};

/// The rows behind `GET /orders` and `GET /orders/{id}`.
pub(crate) const ROWS: u32 = 5;

/// How long the service may take to create its tables.
const READY_TIMEOUT: Duration = Duration::from_secs(20);

/// One of the compared servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Variant {
    Interpreter,
    Aot,
    Native,
    /// hyper_wasi's server on the published binding, compiled ahead of time. Every request gets the same text.
    HyperServer,
}

impl Variant {
    /// The variants of the service, in the order of the tables.
    pub(crate) const SERVICE: [Self; 3] = [Self::Interpreter, Self::Aot, Self::Native];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Interpreter => "interpreter",
            Self::Aot => "AOT",
            Self::Native => "native",
            Self::HyperServer => "hyper_wasi as published, AOT",
        }
    }

    fn runtime(self) -> Runtime {
        match self {
            Self::Interpreter => Runtime::Interpreter,
            Self::Aot | Self::HyperServer => Runtime::Aot,
            Self::Native => Runtime::Native,
        }
    }
}

/// A database with a few orders, and the programs of all variants.
#[derive(Debug)]
pub(crate) struct Comparison {
    pub(crate) database: MariaDb,
    hyper_server: PathBuf,
}

impl Comparison {
    pub(crate) fn prepare() -> Result<Self> {
        let database = MariaDb::builder().option("--innodb-buffer-pool-size=512M").start()?;
        database.create_database("bench")?;
        let comparison = Self { database, hyper_server: hyper_server::build_published()? };
        let service = comparison.builder(Variant::Native).start()?;
        wait_until_ready(&service)?;
        let client = Client::new(&service.url(""));
        for id in 1..=ROWS {
            client.post("/create_order", order_json(id))?.require_status(200).context("the orders to read")?;
        }
        Ok(comparison)
    }

    /// The program of hyper_wasi's server on the published binding.
    pub(crate) fn hyper_server(&self) -> &Path {
        &self.hyper_server
    }

    /// Configures `variant`. No variant logs requests.
    pub(crate) fn builder(&self, variant: Variant) -> testkit::service::Builder {
        self.builder_with_database(variant, "bench")
    }

    /// Fills a table that the service has created with `rows` orders, by MariaDB's sequence engine.
    pub(crate) fn fill_table(&self, database: &str, rows: u32) -> Result<()> {
        let count = self.database.sql(database, "SELECT COUNT(*) FROM orders")?;
        if count.trim() != rows.to_string() {
            let columns = "order_id, product_id, quantity, amount, shipping, tax, shipping_address";
            let amounts = "seq % 100000 / 100, 15.00, 2.00";
            let values = format!("seq, seq % 1000 + 1, seq % 9 + 1, {amounts}, CONCAT(seq, ' Harbour Lane')");
            let statement = format!("INSERT INTO orders ({columns}) SELECT {values} FROM seq_1_to_{rows}");
            self.database.sql(database, &statement).context("cannot fill the table")?;
        }
        Ok(())
    }

    /// The same with another database.
    pub(crate) fn builder_with_database(&self, variant: Variant, database: &str) -> testkit::service::Builder {
        let builder = Service::builder().runtime(variant.runtime()).env("LOG_LEVEL", "warn");
        match variant {
            Variant::HyperServer => builder.program(&self.hyper_server),
            _ => builder.database_url(&self.database.url(database)),
        }
    }

    /// Configures `variant` for thousands of connections that stay open.
    pub(crate) fn builder_for_many_connections(&self, variant: Variant) -> testkit::service::Builder {
        self.builder(variant).env("MAX_CONNECTIONS", "8192").env("IDLE_TIMEOUT", "30m")
    }

    /// Starts all variants.
    pub(crate) fn start_all(&self) -> Result<Vec<(Variant, Service)>> {
        let all = Variant::SERVICE.into_iter().chain([Variant::HyperServer]);
        all.map(|variant| Ok((variant, self.builder(variant).start()?))).collect()
    }
}

fn order_json(id: u32) -> String {
    let amounts = r#""amount":56.0,"shipping":15.0,"tax":2.0"#;
    format!(r#"{{"order_id":{id},"product_id":12,"quantity":2,{amounts},"shipping_address":"4 Harbour Lane"}}"#)
}

/// Waits until the service has created its tables; it listens before that.
pub(crate) fn wait_until_ready(service: &Service) -> Result<()> {
    let ready = wait_until("/ready", READY_TIMEOUT, || http::is_ok(service.port(), "/ready"));
    ready.with_context(|| service.log())
}
