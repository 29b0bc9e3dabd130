//! A client's TCP stream with timeouts.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::Server;
use super::activity::Activity;
use super::timer::Timer;

/// Fails with [`io::ErrorKind::TimedOut`] where the client, without a request in flight, sends nothing for too long,
/// takes too long to send a request's head, or reads nothing of a response for too long.
pub(super) struct TimedStream {
    stream: TcpStream,
    server: Arc<Server>,
    activity: Activity,
    /// The read timeout restarts when this changes.
    progress: Progress,
    read_timer: Timer,
    write_timer: Timer,
}

/// The progress of a client that has no request in flight.
#[derive(Debug, Default, PartialEq, Eq)]
struct Progress {
    /// Requests so far.
    requests: u32,
    /// A part of the next head has arrived.
    head_begun: bool,
}

impl TimedStream {
    pub(super) fn new(stream: TcpStream, server: Arc<Server>, activity: Activity) -> Self {
        let (progress, read_timer, write_timer) = (Progress::default(), Timer::default(), Timer::default());
        Self { stream, server, activity, progress, read_timer, write_timer }
    }

    /// Updates the progress. `received` says that bytes have arrived.
    fn update_progress(&mut self, received: bool) {
        let requests = self.activity.request_count();
        let head_begun = received || (self.progress.head_begun && self.progress.requests == requests);
        let progress = Progress { requests, head_begun };
        if progress != self.progress {
            self.progress = progress;
            self.read_timer.stop();
        }
    }

    fn with_write_timeout<T>(&mut self, result: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.write_timer.stop();
            return result;
        }
        self.write_timer.poll_expired(cx, self.server.timeouts.write).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for TimedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        if self.activity.is_busy() {
            return result;
        }
        self.update_progress(result.is_ready());
        if result.is_ready() {
            return result;
        }
        let timeouts = &self.server.timeouts;
        let max = if self.progress.head_begun { timeouts.header } else { timeouts.idle };
        self.read_timer.poll_expired(cx, max).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncWrite for TimedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.with_write_timeout(result, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.with_write_timeout(result, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
