//! Clients in the cluster's network that write orders, read them back and record each response.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use testkit::http::{RawConnection, RawResponse};
use testkit::sandbox::NetworkNamespace;
use testkit::{Ledger, try_wait_for};

/// The timeout for connecting and for each read and write.
const IO_TIMEOUT: Duration = Duration::from_secs(15);
/// A client pauses after a failure: a service that is down must not get a thousand requests a second.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);
/// Each client has this many order ids.
const IDS_PER_CLIENT: u64 = 1_000_000;

/// Clients that run until [`LoadGenerator::finish`]. Each keeps its connection alive and sends every request once.
#[derive(Debug)]
pub struct LoadGenerator {
    stop: Arc<AtomicBool>,
    successes: Arc<AtomicU64>,
    clients: Vec<JoinHandle<LoadResult>>,
    ids: Range<u64>,
}

/// The responses that the clients received.
#[derive(Debug, Default)]
pub struct LoadResult {
    /// Requests with the expected response.
    pub successes: u64,
    /// Requests without it, each with the reason.
    pub failures: Vec<String>,
    /// The orders that were written.
    pub orders: Ledger,
    /// The range of their ids.
    pub ids: Range<u64>,
}

impl LoadGenerator {
    /// Starts `clients` against `address`, in `network`. Their orders have ids from `first_id` on. They send the bearer
    /// token, if there is one.
    #[must_use]
    pub fn start(
        network: &NetworkNamespace,
        address: SocketAddr,
        clients: u64,
        first_id: u64,
        token: Option<&str>,
    ) -> Self {
        let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let (stop, successes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let ids = first_id..first_id + clients * IDS_PER_CLIENT;
        let start_client = |number: u64| {
            let (network, stop, successes) = (network.clone(), Arc::clone(&stop), Arc::clone(&successes));
            let first_id = first_id + number * IDS_PER_CLIENT;
            let client = Client { address, authorization: authorization.clone(), connection: None };
            thread::spawn(move || run_client(&network, client, first_id, &stop, &successes))
        };
        Self { clients: (0..clients).map(start_client).collect(), stop, successes, ids }
    }

    /// Waits for `count` more successful requests.
    ///
    /// # Errors
    /// When they take longer than `timeout`.
    pub fn wait_for_successes(&self, count: u64, timeout: Duration) -> Result<()> {
        let target = self.successes.load(Ordering::Relaxed) + count;
        try_wait_for(&format!("{count} responses"), timeout, || {
            Ok((self.successes.load(Ordering::Relaxed) >= target).then_some(()))
        })
    }

    /// Stops the clients after their current requests.
    #[must_use]
    pub fn finish(self) -> LoadResult {
        self.stop.store(true, Ordering::Relaxed);
        let mut total = LoadResult { ids: self.ids, ..LoadResult::default() };
        for client in self.clients {
            let result = client.join().unwrap_or_else(|_| failed("a client panicked".into()));
            total.successes += result.successes;
            total.failures.extend(result.failures);
            total.orders.merge(result.orders);
        }
        total
    }
}

fn failed(reason: String) -> LoadResult {
    LoadResult { failures: vec![reason], ..LoadResult::default() }
}

fn run_client(
    network: &NetworkNamespace,
    mut client: Client,
    first_id: u64,
    stop: &AtomicBool,
    successes: &AtomicU64,
) -> LoadResult {
    if let Err(error) = network.enter() {
        return failed(format!("{error:#}"));
    }
    let mut result = LoadResult::default();
    for id in first_id.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        match write_and_read(&mut client, id, &mut result) {
            Ok(()) => _ = successes.fetch_add(2, Ordering::Relaxed),
            Err(error) => {
                result.failures.push(format!("order {id}: {error:#}"));
                thread::sleep(RETRY_INTERVAL);
            }
        }
    }
    result
}

fn write_and_read(client: &mut Client, id: u64, result: &mut LoadResult) -> Result<()> {
    let values = r#""product_id":1,"quantity":1,"amount":1.50,"shipping":0,"tax":0.10,"shipping_address":"Load""#;
    let order = format!(r#"{{"order_id":{id},{values}}}"#);
    // Without an acknowledgement the outcome stays unknown.
    result.orders.sent(id, Some(()));
    client.request("POST", "/orders", &order, 201)?;
    result.orders.acknowledged(id);
    result.successes += 1;
    client.request("GET", &format!("/orders/{id}"), "", 200)?;
    result.successes += 1;
    Ok(())
}

/// Sends one request at a time. It keeps its connection until the server announces the end of it, and repeats nothing:
/// a connection that is closed without announcement is a failure.
struct Client {
    address: SocketAddr,
    /// A line of each head, or empty.
    authorization: String,
    connection: Option<RawConnection>,
}

impl Client {
    fn request(&mut self, method: &str, path: &str, body: &str, expected_status: u16) -> Result<()> {
        let connection = self.connection.take();
        let mut connection = connection.map_or_else(|| RawConnection::connect_timeout(self.address, IO_TIMEOUT), Ok)?;
        let response = exchange(&mut connection, method, path, &self.authorization, body)?;
        if !response.head.closes_connection() {
            self.connection = Some(connection);
        }
        ensure!(response.status() == expected_status, "{} {}", response.status(), response.text());
        Ok(())
    }
}

fn exchange(
    connection: &mut RawConnection,
    method: &str,
    path: &str,
    authorization: &str,
    body: &str,
) -> Result<RawResponse> {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: order-service\r\n{authorization}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    connection.send(format!("{head}{body}")).context("sending")?;
    connection.read_response().context("receiving")
}
