//! Serving: connections are accepted, bounded and timed here, and each request is bounded, named and logged.
//!
//! `accept loop → connection → request → router`. A slow or hostile client costs a bounded amount of memory for a bounded time.

mod activity;
mod connection;
mod limited;
mod raw;
mod request;
mod stream;
mod timer;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::config::{Config, Limits};
use crate::drain::Drain;
use crate::handlers::App;
use crate::platform;

/// How long the accept loop waits where no file descriptor, or no memory for a connection, is left.
const OUT_OF_RESOURCES: Duration = Duration::from_millis(50);

/// How long the answers to the last COMMITs have to leave, when all else that is in flight is cut off.
const LAST_ANSWERS: Duration = Duration::from_millis(200);

/// Connections that the operator's listener takes at one time.
const MOST_OPERATORS: usize = 64;

/// Which of the two listeners a connection came in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    /// For everybody.
    Public,
    /// For the operator: what ends or describes the process.
    Operator,
}

/// What all connections of a listener share.
struct Server {
    door: Door,
    app: Arc<App>,
    drain: Drain,
    timeouts: connection::Timeouts,
    max_header_bytes: usize,
}

impl Server {
    fn new(door: Door, app: &Arc<App>, limits: &Limits) -> Self {
        Self {
            door,
            app: Arc::clone(app),
            drain: app.drain().clone(),
            timeouts: connection::Timeouts {
                header: limits.header_timeout,
                idle: limits.idle_timeout,
                write: limits.write_timeout,
            },
            max_header_bytes: limits.max_header_bytes,
        }
    }
}

/// Listens for connections.
///
/// # Errors
/// The system's: the address is taken, or not this machine's.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    platform::listen(address)
}

/// Serves whoever comes to the listeners until the process is asked to leave; then lets what is in flight end, within the bound.
pub async fn run(public: TcpListener, operator: Option<TcpListener>, app: App, config: &Config) {
    let (app, limits) = (Arc::new(app), &config.limits);
    let visitors = Arc::new(Visitors::new(Server::new(Door::Public, &app, limits), limits.max_connections));
    if let Some(listener) = operator {
        let operators = Visitors::new(Server::new(Door::Operator, &app, limits), MOST_OPERATORS);
        tokio::spawn(async move { operators.welcome_all(&listener).await });
    }
    tokio::select! {
        () = visitors.welcome_all(&public) => {}
        () = app.drain().closing() => visitors.welcome_the_last(&public).await,
    }
    drop(public);
    if !visitors.wait_until_gone(config.leaving.timeout).await {
        tracing::warn!(connections = visitors.number() as u64, "DRAIN_TIMEOUT is over; what is left is cut off");
    }
    app.close().await;
    visitors.wait_until_gone(LAST_ANSWERS).await;
}

/// A listener's connections.
struct Visitors {
    server: Arc<Server>,
    most: usize,
    places: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
}

impl Visitors {
    fn new(server: Server, most: usize) -> Self {
        let refusals = Arc::new(Semaphore::new(limited::MOST_REFUSALS));
        Self { server: Arc::new(server), most, places: Arc::new(Semaphore::new(most)), refusals }
    }

    /// Accepts connections for ever.
    async fn welcome_all(&self, listener: &TcpListener) {
        loop {
            if let Some(stream) = accept(listener).await {
                self.welcome(stream);
            }
        }
    }

    /// Accepts the connections that wait already, and no others.
    async fn welcome_the_last(&self, listener: &TcpListener) {
        loop {
            tokio::select! {
                biased;
                Some(stream) = accept(listener) => self.welcome(stream),
                () = tokio::task::yield_now() => return,
            }
        }
    }

    fn welcome(&self, stream: TcpStream) {
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => {
                let server = Arc::clone(&self.server);
                tokio::spawn(async move {
                    connection::serve(server, stream).await;
                    drop(place);
                });
            }
            Err(_) => limited::refuse(stream, &self.refusals),
        }
    }

    /// How many connections there are.
    fn number(&self) -> usize {
        self.most - self.places.available_permits()
    }

    /// Waits until all connections have ended, at most so long; says whether they have.
    async fn wait_until_gone(&self, at_most: Duration) -> bool {
        let all = u32::try_from(self.most).unwrap_or(u32::MAX);
        timeout(at_most, self.places.acquire_many(all)).await.is_ok()
    }
}

/// The next connection; None where there was one that is gone already.
///
/// A client that resets its connection before it is accepted is no reason to wait for the next: only where no descriptor is
/// left the loop pauses, since the same error would come back at once.
async fn accept(listener: &TcpListener) -> Option<TcpStream> {
    match listener.accept().await {
        Ok((stream, _)) => {
            // Answers leave as they are ready. WasmEdge cannot be asked for it; there, they leave in one piece each.
            let _ = stream.set_nodelay(true);
            Some(stream)
        }
        Err(error) => {
            after_failure(&error).await;
            None
        }
    }
}

async fn after_failure(error: &io::Error) {
    if platform::is_out_of_resources(error) {
        tracing::warn!(error = %error, "no connection can be accepted until others have ended");
        tokio::time::sleep(OUT_OF_RESOURCES).await;
    } else {
        tracing::debug!(error = %error, "a connection was gone before it was accepted");
        tokio::task::yield_now().await;
    }
}
