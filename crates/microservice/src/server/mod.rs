//! The server: accepts connections, bounds and times them, and gives each request an id, a permit and a log line.
//!
//! `accept loop → connection → request → route`. A slow or hostile client costs a bounded amount of memory for a
//! bounded time.

mod activity;
mod capacity;
pub(crate) mod closing;
mod connection;
mod head;
mod head_stream;
mod lag;
mod parser_errors;
mod raw_response;
mod request;
mod request_span;
mod timed_stream;
mod timer;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::access::Access;
use crate::app::App;
use crate::memory::MemoryBudget;
use crate::platform;
use crate::problem::ShedReason;
use crate::router::Router;
use capacity::DescriptorCapacity;

/// The accept loop's pause where file descriptors or memory are used up.
const OUT_OF_RESOURCES_PAUSE: Duration = Duration::from_millis(50);

/// The time for the responses to the last COMMITs, when all other requests in flight are cut off.
const FINAL_FLUSH_TIMEOUT: Duration = Duration::from_millis(200);

/// The time in which the backlog is accepted at shutdown. Even a busy process asks its listener within it.
const BACKLOG_TIME: Duration = Duration::from_millis(20);

/// Failed accepts after which the backlog is given up at shutdown.
const MAX_BACKLOG_FAILURES: u32 = 64;

/// Connections that the operator's listener takes at one time.
const MAX_ADMIN_CONNECTIONS: usize = 64;

/// The state that all connections of a listener share.
struct Server {
    app: Arc<App>,
    router: Router,
    access: Access,
    timeouts: connection::Timeouts,
    /// Bytes a second.
    min_rate: usize,
    /// Its requests and connections are counted. Those of the operator's listener, probes mostly, would distort that.
    is_public: bool,
}

impl Server {
    /// Counts a rejected request or connection.
    fn count_shed(&self, reason: ShedReason) {
        if self.is_public {
            self.app.metrics.shed.count(reason);
        }
    }

    fn new(app: &Arc<App>, router: Router, access: Access, is_public: bool) -> Arc<Self> {
        let limits = &app.limits;
        let timeouts = connection::Timeouts {
            header: limits.header_timeout,
            idle: limits.idle_timeout,
            body: limits.body_timeout,
            write: limits.write_timeout,
        };
        Arc::new(Self { app: Arc::clone(app), router, access, timeouts, min_rate: limits.min_rate, is_public })
    }
}

/// Binds a listener.
///
/// # Errors
/// The system's: the address is in use, or not one of this machine's.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    platform::listen(address)
}

/// A listener, the routes behind it, and who may use them.
pub(crate) struct Endpoint {
    pub(crate) listener: TcpListener,
    pub(crate) router: Router,
    pub(crate) access: Access,
}

/// Serves both listeners until a shutdown is requested. Then requests in flight end, within `drain_timeout`.
pub(crate) async fn run(app: &Arc<App>, public: Endpoint, admin: Option<Endpoint>, drain_timeout: Duration) {
    let (max, reserved) = (app.limits.max_connections, app.reserved_descriptors);
    let connections =
        ConnectionManager::new(Server::new(app, public.router, public.access, true), max, reserved, app.memory.clone());
    if let Some(Endpoint { listener, router, access }) = admin {
        let (server, memory) = (Server::new(app, router, access, false), MemoryBudget::for_operator());
        let connections = ConnectionManager::new(server, MAX_ADMIN_CONNECTIONS, 0, memory);
        tokio::spawn(async move { connections.accept_loop(&listener).await });
    }
    tokio::select! {
        () = connections.accept_loop(&public.listener) => {}
        () = app.shutdown.closing() => connections.accept_backlog(&public.listener).await,
    }
    drop(public.listener);
    if !connections.wait_until_closed(drain_timeout).await {
        let remaining = connections.count() as u64;
        tracing::warn!(connections = remaining, "DRAIN_TIMEOUT is over; the remaining connections are cut off");
    }
    if let Some(database) = &app.database {
        database.close().await;
    }
    connections.wait_until_closed(FINAL_FLUSH_TIMEOUT).await;
}

/// A listener's connections.
struct ConnectionManager {
    server: Arc<Server>,
    max: usize,
    permits: Arc<Semaphore>,
    capacity: DescriptorCapacity,
    rejections: Arc<Semaphore>,
    memory: MemoryBudget,
}

impl ConnectionManager {
    /// `reserved` is the number of descriptors that these connections leave to others.
    fn new(server: Arc<Server>, max: usize, reserved: usize, memory: MemoryBudget) -> Self {
        let rejections = Arc::new(Semaphore::new(closing::MAX_REJECTIONS));
        let capacity = DescriptorCapacity::new(reserved);
        Self { server, max, permits: Arc::new(Semaphore::new(max)), capacity, rejections, memory }
    }

    /// Accepts connections for ever.
    async fn accept_loop(&self, listener: &TcpListener) {
        loop {
            if let Some((stream, peer)) = accept(listener).await {
                self.spawn_connection(stream, peer);
            }
        }
    }

    /// Accepts the connections that are in the backlog now.
    async fn accept_backlog(&self, listener: &TcpListener) {
        // A connection in the backlog that was reset does not hide those behind it. The bounds end the loop where file
        // descriptors are used up, and where new connections come without end.
        let (mut failures, mut accepted) = (0, 0);
        let end = tokio::time::sleep(BACKLOG_TIME);
        tokio::pin!(end);
        while failures < MAX_BACKLOG_FAILURES && accepted < self.max {
            tokio::select! {
                biased;
                connection = accept(listener) => match connection {
                    Some((stream, peer)) => {
                        accepted += 1;
                        self.spawn_connection(stream, peer);
                    }
                    None => failures += 1,
                },
                () = &mut end => return,
            }
        }
    }

    fn spawn_connection(&self, stream: TcpStream, peer: IpAddr) {
        let has_descriptors = self.capacity.admits(self.count() + 1);
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok().filter(|_| has_descriptors);
        let app = &self.server.app;
        match permit {
            Some(permit) => {
                let (server, guard) = (Arc::clone(&self.server), self.memory.register());
                tokio::spawn(async move {
                    let app = Arc::clone(&server.app);
                    let open = server.is_public.then(|| app.metrics.connections.open());
                    connection::serve(server, stream, peer, guard).await;
                    drop((open, permit));
                });
            }
            None => {
                let reason = if has_descriptors { ShedReason::Connections } else { ShedReason::Descriptors };
                self.server.count_shed(reason);
                // The next connection may find a place.
                self.memory.cut_off_longest_stalled();
                closing::reject(stream, app, &self.rejections);
            }
        }
    }

    /// The number of open connections.
    fn count(&self) -> usize {
        self.max - self.permits.available_permits()
    }

    /// Waits until all connections are closed, for `max_wait` at most. True where they are.
    async fn wait_until_closed(&self, max_wait: Duration) -> bool {
        let all = u32::try_from(self.max).unwrap_or(u32::MAX);
        timeout(max_wait, self.permits.acquire_many(all)).await.is_ok()
    }
}

/// The next connection and its client's address; None where accepting failed.
///
/// A client that resets its connection before it is accepted does not delay the next one. The loop pauses only where
/// file descriptors or memory are used up, because the same error would come back at once.
async fn accept(listener: &TcpListener) -> Option<(TcpStream, IpAddr)> {
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Responses leave as soon as they are ready. WasmEdge has no such option; there each response leaves in one
            // write.
            let _ = stream.set_nodelay(true);
            Some((stream, peer.ip()))
        }
        Err(error) => {
            pause_after(&error).await;
            None
        }
    }
}

async fn pause_after(error: &io::Error) {
    if platform::is_out_of_resources(error) {
        tracing::warn!(error = %error, "no connection can be accepted until others are closed");
        tokio::time::sleep(OUT_OF_RESOURCES_PAUSE).await;
    } else {
        tracing::debug!(error = %error, "a connection was reset before it was accepted");
        tokio::task::yield_now().await;
    }
}
