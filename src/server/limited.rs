//! Ends of connections: with an answer that arrives, and within bounds.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::raw;
use crate::error::Error;

/// Connections beyond the bound that are told so at one time; more are just closed.
pub(super) const MOST_REFUSALS: usize = 64;

/// How long a client that is being left may go on sending.
const LINGER: Duration = Duration::from_secs(1);

/// How much it may send meanwhile, in pieces of [`PIECE`].
const MOST_PIECES: usize = 256;

const PIECE: usize = 4096;

/// Tells a connection that is one too many so, beside the work.
pub(super) fn refuse(mut stream: TcpStream, refusals: &Arc<Semaphore>) {
    let Ok(place) = Arc::clone(refusals).try_acquire_owned() else { return };
    tokio::spawn(async move {
        let answer = raw::answer(&Error::Overloaded("too many connections"));
        if let Ok(Ok(())) = timeout(LINGER, stream.write_all(&answer)).await {
            say_goodbye(stream).await;
        }
        drop(place);
    });
}

/// Closes a connection so that what was written arrives: a close while the client still sends would reset the connection and
/// take the answer with it (RFC 9112 §9.6). What comes meanwhile is thrown away, for a bounded time and amount.
pub(super) async fn say_goodbye(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let goodbye = async {
        stream.shutdown().await?;
        let mut piece = [0; PIECE];
        for _ in 0..MOST_PIECES {
            if stream.read(&mut piece).await? == 0 {
                break;
            }
        }
        Ok::<_, std::io::Error>(())
    };
    // Either way the connection is over.
    let _ = timeout(LINGER, goodbye).await;
}
