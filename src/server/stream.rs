//! A client's TCP stream that does not wait for ever.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::activity::Activity;
use super::timer::Timer;
use super::{Server, raw};

/// Ends with [`io::ErrorKind::TimedOut`] where the client, without a request at work, sends nothing for too long, takes too
/// long over a request's head, or takes nothing of what is written for too long. Says what is wrong where hyper, which could not
/// read a head, only says that it is.
pub(super) struct TimedStream {
    stream: TcpStream,
    server: Arc<Server>,
    activity: Activity,
    /// How far the client is: the wait for it starts anew when that changes.
    progress: Progress,
    waiting: Timer,
    stalled: Timer,
    /// Nothing is half-written: what comes next is the beginning of an answer.
    flushed: bool,
    /// What is written in place of what hyper writes, as far as it is not written yet.
    instead: Option<Vec<u8>>,
}

/// How far a client is that has no request at work.
#[derive(Debug, Default, PartialEq, Eq)]
struct Progress {
    /// Requests it has made.
    requests: u32,
    /// The head of the next has begun to come.
    head_begun: bool,
}

impl TimedStream {
    pub(super) fn new(stream: TcpStream, server: Arc<Server>, activity: Activity) -> Self {
        let (progress, waiting, stalled) = (Progress::default(), Timer::default(), Timer::default());
        Self { stream, server, activity, progress, waiting, stalled, flushed: true, instead: None }
    }

    /// Notes how far the client is: `received` says that something of it has come.
    fn note(&mut self, received: bool) {
        let requests = self.activity.requests();
        let head_begun = received || (self.progress.head_begun && self.progress.requests == requests);
        let progress = Progress { requests, head_begun };
        if progress != self.progress {
            self.progress = progress;
            self.waiting.stop();
        }
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
        if self.instead.is_none() && self.flushed && !self.activity.is_busy() {
            self.instead = raw::instead_of(buf, self.server.max_header_bytes);
        }
        self.flushed = false;
        self.instead.is_some()
    }

    fn written<T>(&mut self, result: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.stalled.stop();
            return result;
        }
        self.stalled.poll_expired(cx, self.server.timeouts.write).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for TimedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        if self.activity.is_busy() {
            return result;
        }
        self.note(result.is_ready());
        if result.is_ready() {
            return result;
        }
        let timeouts = &self.server.timeouts;
        let most = if self.progress.head_begun { timeouts.header } else { timeouts.idle };
        self.waiting.poll_expired(cx, most).map(|()| Err(io::ErrorKind::TimedOut.into()))
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
        let result = Pin::new(&mut self.stream).poll_flush(cx);
        self.flushed |= result.is_ready();
        result
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
