//! Clients that read or write orders until they are stopped or a request fails.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use testkit::Ledger;
use testkit::http::Client;

use crate::support::client;

/// The state that the clients of one test share.
pub(crate) struct Clients {
    base: &'static str,
    stop: AtomicBool,
    reads: AtomicU64,
    writes: AtomicU64,
}

/// The writes of one client.
pub(crate) struct Writes {
    /// The orders that the service acknowledged.
    pub(crate) orders: Ledger,
    /// The failed request that ended the client.
    pub(crate) error: Option<String>,
}

impl Clients {
    /// Clients for the service at `base`.
    pub(crate) fn new(base: &'static str) -> Self {
        Self { base, stop: AtomicBool::new(false), reads: AtomicU64::new(0), writes: AtomicU64::new(0) }
    }

    /// Starts `count` writers; each pauses after a write.
    pub(crate) fn start_writers<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        count: usize,
        pause: Duration,
    ) -> Vec<ScopedJoinHandle<'scope, Writes>> {
        (0..count).map(|_| scope.spawn(move || self.write(pause))).collect()
    }

    /// Starts `count` readers; each returns the failed request that ended it.
    pub(crate) fn start_readers<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        count: usize,
    ) -> Vec<ScopedJoinHandle<'scope, Option<String>>> {
        (0..count).map(|_| scope.spawn(|| self.read())).collect()
    }

    /// The number of successful reads so far.
    pub(crate) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// The number of acknowledged writes so far.
    pub(crate) fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    /// Stops the clients after their current requests.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    fn write(&self, pause: Duration) -> Writes {
        let (client, mut orders) = (client(self.base), Ledger::new());
        while !self.stop.load(Ordering::Relaxed) {
            match create_order(&client) {
                Ok(id) => orders.acknowledged_new(id, ()),
                Err(error) => return Writes { orders, error: Some(format!("POST: {error:#}")) },
            }
            self.writes.fetch_add(1, Ordering::Relaxed);
            thread::sleep(pause);
        }
        Writes { orders, error: None }
    }

    fn read(&self) -> Option<String> {
        let client = client(self.base);
        while !self.stop.load(Ordering::Relaxed) {
            if let Err(error) = list_orders(&client) {
                return Some(format!("GET: {error:#}"));
            }
            self.reads.fetch_add(1, Ordering::Relaxed);
        }
        None
    }
}

/// Waits for the clients and merges their orders; a failed request is an error.
pub(crate) fn merge(writers: Vec<Writes>) -> (Ledger, Vec<String>) {
    let (mut orders, mut errors) = (Ledger::new(), Vec::new());
    for writer in writers {
        orders.merge(writer.orders);
        errors.extend(writer.error);
    }
    (orders, errors)
}

/// Creates one order and returns its id.
fn create_order(client: &Client) -> Result<u64> {
    let order = r#"{"product_id":7,"quantity":1,"amount":19.99,"shipping":0,"tax":1.6,"shipping_address":"1 Quay"}"#;
    let response = client.post("/orders", order)?.require_status(201)?;
    let body: Value = serde_json::from_str(&response.text())?;
    body["order_id"].as_u64().with_context(|| format!("no id in {body}"))
}

fn list_orders(client: &Client) -> Result<()> {
    let body = client.get("/orders?limit=5")?.require_status(200)?.text();
    ensure!(body.ends_with(']'), "incomplete: {body}");
    Ok(())
}
