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

/// Ends with [`io::ErrorKind::TimedOut`] where the client, without a request at work, sends nothing for too long, or takes
/// nothing of what is written for too long.
pub(super) struct TimedStream {
    stream: TcpStream,
    activity: Activity,
    idle: Timer,
    stalled: Timer,
}

impl TimedStream {
    pub(super) fn new(stream: TcpStream, activity: Activity, idle: Duration, stalled: Duration) -> Self {
        Self { stream, activity, idle: Timer::new(idle), stalled: Timer::new(stalled) }
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
        let result = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.written(result, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
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
