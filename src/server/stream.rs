//! A client's TCP stream that does not wait for ever.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::activity::Activity;
use super::connection::Timeouts;
use super::raw;

/// Ends with [`io::ErrorKind::TimedOut`] where the client, without a request at work, sends nothing for too long, or takes
/// nothing of what is written for too long. Says what is wrong where hyper, which could not read a head, only says that it is.
pub(super) struct TimedStream {
    stream: TcpStream,
    activity: Activity,
    idle: Timer,
    stalled: Timer,
    max_header_bytes: usize,
    /// What is written in place of what hyper writes, as far as it is not written yet.
    instead: Option<Vec<u8>>,
}

impl TimedStream {
    pub(super) fn new(stream: TcpStream, activity: Activity, timeouts: &Timeouts, max_header_bytes: usize) -> Self {
        let (idle, stalled) = (Timer::new(timeouts.idle), Timer::new(timeouts.write));
        Self { stream, activity, idle, stalled, max_header_bytes, instead: None }
    }

    /// Ready with the length of all that hyper writes once what is said in its place is written.
    fn poll_write_instead(&mut self, cx: &mut Context<'_>, hyper_s: usize) -> Poll<io::Result<usize>> {
        while let Some(rest) = self.instead.as_mut().filter(|rest| !rest.is_empty()) {
            let written = match Pin::new(&mut self.stream).poll_write(cx, rest) {
                Poll::Ready(Ok(written)) => written,
                waiting_or_failed => return self.written(waiting_or_failed, cx),
            };
            rest.drain(..written.min(rest.len()));
        }
        self.written(Poll::Ready(Ok(hyper_s)), cx)
    }

    /// True where hyper's answer is being replaced, from the first look at it on.
    fn replaces(&mut self, buf: &[u8]) -> bool {
        if self.instead.is_none() && !self.activity.is_busy() {
            self.instead = raw::instead_of(buf, self.max_header_bytes);
        }
        self.instead.is_some()
    }

    fn written<T>(&mut self, result: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.stalled.stop();
            return result;
        }
        self.stalled.poll_expired(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for TimedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let result = Pin::new(&mut this.stream).poll_read(cx, buf);
        if result.is_ready() || this.activity.is_busy() {
            this.idle.stop();
            return result;
        }
        this.idle.poll_expired(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncWrite for TimedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.replaces(buf) {
            return self.poll_write_instead(cx, buf.len());
        }
        let result = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.written(result, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.replaces(bufs.first().map_or(&[], |first| first)) {
            return self.poll_write_instead(cx, bufs.iter().map(|buf| buf.len()).sum());
        }
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.written(result, cx)
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

/// A timer that runs only while something waits, made when it first has to.
struct Timer {
    duration: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    running: bool,
}

impl Timer {
    fn new(duration: Duration) -> Self {
        Self { duration, sleep: None, running: false }
    }

    fn stop(&mut self) {
        self.running = false;
    }

    /// Starts the timer unless it runs; ready when it has run out.
    fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let end = Instant::now() + self.duration;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if !self.running {
            sleep.as_mut().reset(end);
            self.running = true;
        }
        sleep.as_mut().poll(cx)
    }
}
