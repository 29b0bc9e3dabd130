//! Serving: connections are accepted, bounded and timed here, and each request is bounded, named and logged.
//!
//! `accept loop → connection → request → router`. A slow or hostile client costs a bounded amount of memory for a bounded time.

mod activity;
mod connection;
mod limited;
mod raw;
mod request;
mod stream;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::handlers::App;
use crate::platform;

/// How long the accept loop waits where no file descriptor is left: until some connection has ended.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(50);

/// What all connections share.
struct Server {
    app: App,
    timeouts: connection::Timeouts,
    max_header_bytes: usize,
    /// Places for requests being worked on.
    in_flight: Arc<Semaphore>,
}

/// Accepts connections on the listener and serves them; never ends by itself.
pub async fn run(listener: TcpListener, app: App, config: &Config) {
    let limits = &config.limits;
    let server = Arc::new(Server {
        app,
        timeouts: connection::Timeouts {
            header: limits.header_timeout,
            idle: limits.idle_timeout,
            write: limits.write_timeout,
        },
        max_header_bytes: limits.max_header_bytes,
        in_flight: Arc::new(Semaphore::new(limits.max_in_flight)),
    });
    let places = Arc::new(Semaphore::new(limits.max_connections));
    let refusals = Arc::new(Semaphore::new(limited::MOST_REFUSALS));
    loop {
        let Some(stream) = accept(&listener).await else { continue };
        match Arc::clone(&places).try_acquire_owned() {
            Ok(place) => {
                let server = Arc::clone(&server);
                tokio::spawn(async move {
                    connection::serve(server, stream).await;
                    drop(place);
                });
            }
            Err(_) => limited::refuse(stream, &refusals),
        }
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
    if platform::is_out_of_descriptors(error) {
        tracing::warn!(error = %error, "no connection can be accepted until others have ended");
        tokio::time::sleep(OUT_OF_DESCRIPTORS).await;
    } else {
        tracing::debug!(error = %error, "a connection was gone before it was accepted");
        tokio::task::yield_now().await;
    }
}
