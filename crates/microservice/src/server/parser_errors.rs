//! A stream that replaces hyper's empty responses to malformed heads with problems.
//!
//! hyper itself responds to a head that it cannot parse, with a status and no body, and offers no hook to change that.
//! This wrapper can be removed from [`super::connection`] without any other change.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::activity::Activity;
use super::{Server, raw_response};
use crate::problem::Problem;

/// The stream. All that is read, and all other writes, pass through.
pub(super) struct ParserErrorStream<T> {
    stream: T,
    server: Arc<Server>,
    activity: Activity,
    /// Everything is flushed: the next write begins a response.
    is_flushed: bool,
    /// The rest of the replacement, once hyper has begun to write such a response.
    replacement: Option<Vec<u8>>,
}

impl<T: AsyncWrite + Unpin> ParserErrorStream<T> {
    pub(super) fn new(stream: T, server: Arc<Server>, activity: Activity) -> Self {
        Self { stream, server, activity, is_flushed: true, replacement: None }
    }

    /// The stream below.
    pub(super) fn into_inner(self) -> T {
        self.stream
    }

    /// True where hyper's response is being replaced.
    fn is_replacing(&mut self, buf: &[u8]) -> bool {
        if self.replacement.is_none() && self.is_flushed && !self.activity.is_busy() {
            let app = &self.server.app;
            self.replacement = rewrite_parser_error(buf, app.limits.max_header_bytes)
                .map(|problem| raw_response::problem(&problem, app.name));
        }
        self.is_flushed = false;
        self.replacement.is_some()
    }

    /// Writes the replacement. Ready with `length`, the length of hyper's response, once all of it is written.
    fn poll_write_replacement(&mut self, cx: &mut Context<'_>, length: usize) -> Poll<io::Result<usize>> {
        while let Some(rest) = self.replacement.as_mut().filter(|rest| !rest.is_empty()) {
            match Pin::new(&mut self.stream).poll_write(cx, rest) {
                Poll::Ready(Ok(written)) => rest.drain(..written.min(rest.len())),
                pending_or_failed => return pending_or_failed,
            };
        }
        Poll::Ready(Ok(length))
    }
}

/// The problem that replaces `written`, where that is hyper's own response to a head that it could not parse. Those
/// have neither a body nor a request id; all others have an id.
fn rewrite_parser_error(written: &[u8], max_header_bytes: usize) -> Option<Problem> {
    const NO_BODY: &[u8] = b"\r\ncontent-length: 0\r\n";
    const REQUEST_ID: &[u8] = b"\r\nx-request-id: ";
    let status = written.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    let problem = match status {
        b"400" => Problem::malformed_request(),
        b"414" | b"431" => Problem::headers_too_large(max_header_bytes),
        _ => return None,
    };
    let contains = |part: &[u8]| written.windows(part.len()).any(|window| window == part);
    (contains(NO_BODY) && !contains(REQUEST_ID)).then_some(problem)
}

impl<T: AsyncRead + Unpin> AsyncRead for ParserErrorStream<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for ParserErrorStream<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_replacing(buf) {
            return self.poll_write_replacement(cx, buf.len());
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.is_replacing(bufs.first().map_or(&[], |first| first)) {
            return self.poll_write_replacement(cx, bufs.iter().map(|buf| buf.len()).sum());
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(cx);
        self.is_flushed |= result.is_ready();
        result
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hyper_s_bare_error_responses_are_replaced() {
        let bare = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\ndate: x\r\n\r\n";
        let status = rewrite_parser_error(bare, 1024).map(|problem| problem.status().as_u16());
        assert_eq!(status, Some(431));
        for other in [
            &b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"[..],
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 5\r\n\r\n",
            // A handler's response without a body.
            b"HTTP/1.1 400 Bad Request\r\nx-request-id: 1\r\ncontent-length: 0\r\n\r\n",
            b"HTTP",
        ] {
            assert!(rewrite_parser_error(other, 1024).is_none());
        }
    }
}
