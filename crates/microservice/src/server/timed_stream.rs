//! A client's TCP stream with timeouts.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::Server;
use super::activity::Activity;
use super::lag::{Lag, time_of};
use super::timer::Timer;
use crate::metrics::CutOffReason;

/// A connection without a request keeps its parser and the parser's buffer for this long.
const PARK_AFTER: Duration = Duration::from_secs(1);

/// A client with this many times the minimum rate is not slow: it is not cut off to make room for others.
const FAST_RATE_FACTOR: usize = 16;

/// Fails with [`io::ErrorKind::TimedOut`] where the client, without a request in flight, sends nothing for too long,
/// takes too long to send a request's head, or lags too far behind the minimum rate with a body or a response.
pub(super) struct TimedStream {
    stream: TcpStream,
    server: Arc<Server>,
    activity: Activity,
    /// The read timeout restarts when this changes.
    progress: Progress,
    read_timer: Timer,
    body_lag: Lag,
    response_lag: Lag,
    is_parked: bool,
    is_cut_off: bool,
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
        Self {
            stream,
            server,
            activity,
            progress: Progress::default(),
            read_timer: Timer::default(),
            body_lag: Lag::default(),
            response_lag: Lag::default(),
            is_parked: false,
            is_cut_off: false,
        }
    }

    /// True where the last error only says that the connection has been idle for a moment.
    pub(super) fn is_parked(&self) -> bool {
        self.is_parked
    }

    /// The stream is read again, and a part of a head was read before.
    pub(super) fn begin_head(&mut self) {
        self.is_parked = false;
        self.progress.head_begun = true;
        self.read_timer.stop();
    }

    /// Ready when a parked connection has something to read. Fails when it has been idle for too long.
    pub(super) fn poll_unparked(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.stream.poll_read_ready(cx)?.is_ready() {
            self.is_parked = false;
            return Poll::Ready(Ok(()));
        }
        self.poll_idle_timeout(cx, self.server.timeouts.idle).map(Err)
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

    fn poll_idle_timeout(&mut self, cx: &mut Context<'_>, max: Duration) -> Poll<io::Error> {
        let reason = self.progress.head_begun.then_some(CutOffReason::Head);
        let expired = self.read_timer.poll_expired(cx, max);
        self.poll_failed(expired, self.read_timer.started(), reason, cx)
    }

    /// A connection without a request gives its parser up before it times out.
    fn poll_read_timeout(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let timeouts = &self.server.timeouts;
        let (header, idle) = (timeouts.header, timeouts.idle);
        if self.progress.head_begun {
            return self.poll_idle_timeout(cx, header);
        }
        let failed = self.poll_idle_timeout(cx, idle.min(PARK_AFTER));
        self.is_parked = idle > PARK_AFTER && failed.is_ready();
        failed
    }

    fn poll_body_timeout(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let expired = self.body_lag.poll_exceeded(cx, self.server.timeouts.body);
        self.poll_failed(expired, self.body_lag.since(), Some(CutOffReason::Body), cx)
    }

    fn note_progress(&self, bytes: usize) {
        let fast_rate = || self.server.min_rate.saturating_mul(FAST_RATE_FACTOR);
        self.activity.holder().note_progress(|| time_of(bytes, fast_rate()));
    }

    /// Ready where the wait for the client has expired, or the connection is cut off to make room. `reason` is that of
    /// an expired wait; None between two requests, where the end of the wait cuts nothing off.
    fn poll_failed(
        &mut self,
        expired: Poll<()>,
        since: Option<Instant>,
        reason: Option<CutOffReason>,
        cx: &Context<'_>,
    ) -> Poll<io::Error> {
        let (holder, is_idle) = (self.activity.holder(), reason.is_none());
        if since.is_some_and(|since| holder.wait_for_client(since, is_idle, cx.waker())) {
            self.count_cut_off(Some(CutOffReason::Room));
            return Poll::Ready(io::ErrorKind::ConnectionAborted.into());
        }
        if expired.is_ready() {
            self.count_cut_off(reason);
        }
        expired.map(|()| io::ErrorKind::TimedOut.into())
    }

    /// Counts the connection, once.
    fn count_cut_off(&mut self, reason: Option<CutOffReason>) {
        let Some(reason) = reason.filter(|_| self.server.is_public && !self.is_cut_off) else { return };
        self.is_cut_off = true;
        self.server.app.metrics.connections.cut_off(reason);
    }

    fn with_write_timeout(&mut self, result: Poll<io::Result<usize>>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(result) = result {
            if let (Ok(written), true) = (&result, self.server.is_public) {
                self.server.app.metrics.connections.sent(*written);
            }
            if let (Ok(written), true) = (&result, self.response_lag.is_lagging()) {
                let rate = self.server.min_rate;
                self.response_lag.transferred(*written, rate);
                self.note_progress(*written);
            }
            return Poll::Ready(result);
        }
        let expired = self.response_lag.poll_exceeded(cx, self.server.timeouts.write);
        self.poll_failed(expired, self.response_lag.since(), Some(CutOffReason::Response), cx).map(Err)
    }
}

impl AsyncRead for TimedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        let is_busy = self.activity.is_busy();
        if !is_busy {
            self.update_progress(result.is_ready());
        }
        if result.is_ready() {
            let received = buf.filled().len() - before;
            if self.server.is_public {
                self.server.app.metrics.connections.received(received);
            }
            if is_busy {
                let rate = self.server.min_rate;
                self.body_lag.transferred(received, rate);
            }
            self.note_progress(received);
            return result;
        }
        let expired = if is_busy { self.poll_body_timeout(cx) } else { self.poll_read_timeout(cx) };
        expired.map(Err)
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
        let result = Pin::new(&mut self.stream).poll_flush(cx);
        if result.is_ready() && self.activity.flushed() {
            self.response_lag.clear();
            self.body_lag.clear();
            self.activity.holder().end_request();
        }
        result
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
