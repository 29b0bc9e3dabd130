//! Closes connections so that the last response arrives, within limits on time and data.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{Server, raw_response};
use crate::app::App;
use crate::problem::{Problem, ShedReason};

/// Excess connections that get a response at one time. Further ones are closed without one. Each holds a descriptor:
/// the reserved ones must suffice for them (`App::reserved_descriptors`).
pub(crate) const MAX_REJECTIONS: usize = 16;

/// The time that a client has to take a last response and to stop sending.
const LINGER_TIMEOUT: Duration = Duration::from_secs(1);

/// The maximum number of reads of [`READ_BYTES`] that are discarded meanwhile.
const MAX_READS: usize = 256;

const READ_BYTES: usize = 4096;

/// Rejects an excess connection with 503, in a background task.
pub(super) fn reject(mut stream: TcpStream, app: &App, rejections: &Arc<Semaphore>) {
    let Ok(permit) = Arc::clone(rejections).try_acquire_owned() else { return };
    let response = raw_response::problem(&Problem::overloaded("There are too many connections."), app.name);
    tokio::spawn(async move {
        if let Ok(Ok(())) = timeout(LINGER_TIMEOUT, stream.write_all(&response)).await {
            lingering_close(stream).await;
        }
        drop(permit);
    });
}

/// Rejects a connection for which there is no memory.
pub(super) async fn reject_stream(mut stream: impl AsyncRead + AsyncWrite + Unpin, server: &Server) {
    server.count_shed(ShedReason::Memory);
    let response = raw_response::problem(&Problem::out_of_memory(), server.app.name);
    if let Ok(Ok(())) = timeout(LINGER_TIMEOUT, stream.write_all(&response)).await {
        lingering_close(stream).await;
    }
}

/// Closes a connection so that the last response arrives. A close while the client still sends would reset the
/// connection and lose the response (RFC 9112 §9.6). So the rest of the request is read and discarded, for a bounded
/// time and amount.
pub(super) async fn lingering_close(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let close = async {
        stream.shutdown().await?;
        let mut discarded = [0; READ_BYTES];
        for _ in 0..MAX_READS {
            if stream.read(&mut discarded).await? == 0 {
                break;
            }
        }
        Ok::<_, std::io::Error>(())
    };
    // The connection is over, whatever the outcome.
    let _ = timeout(LINGER_TIMEOUT, close).await;
}
