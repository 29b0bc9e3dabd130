//! A stream that hands a request's head to the parser in few pieces.
//!
//! hyper parses a head from its start with each piece that arrives. A client that sends a head byte by byte would make
//! it parse up to `MAX_HEADER_BYTES` for each byte. So pieces are held back until the head is complete, or until as
//! many bytes are held back as hyper has already: then the work is proportional to the head's length.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::activity::Activity;
use super::head::Head;
use crate::memory::Reservation;

/// What a connection with a parser costs, in bytes: hyper's first buffer (8 KiB), its state, and the task.
const PARSER_BYTES: usize = 16 * 1024;

/// A head up to this length fits into [`PARSER_BYTES`].
const FREE_HEAD_BYTES: usize = 4 * 1024;

/// hyper's buffer doubles as it grows, and a part may be held back here.
const BYTES_PER_HEAD_BYTE: usize = 4;

/// The stream. Bodies and all writes pass through.
pub(super) struct HeadStream<T> {
    stream: T,
    activity: Activity,
    head: Head,
    /// Bytes that hyper does not have yet.
    held: Vec<u8>,
    /// The held bytes are to be handed over now.
    is_releasing: bool,
    memory: Reservation,
}

impl<T> HeadStream<T> {
    /// `first` precedes what the stream brings: the rest of an earlier read.
    pub(super) fn new(stream: T, activity: Activity, first: Vec<u8>) -> Self {
        let memory = Reservation::new(activity.holder());
        let (head, is_releasing) = (Head::after(activity.request_count()), !first.is_empty());
        Self { stream, activity, head, held: first, is_releasing, memory }
    }

    /// Reserves the memory of a parser. Waits a moment where the budget is used up; false where that does not help.
    pub(super) async fn reserve_parser(&mut self) -> bool {
        self.memory.grow_to(PARSER_BYTES).await.is_ok()
    }

    /// The stream below.
    pub(super) fn into_inner(self) -> T {
        self.stream
    }

    /// Hands held bytes over, as many as fit.
    fn release(&mut self, buf: &mut ReadBuf<'_>) -> io::Result<()> {
        let count = self.held.len().min(buf.remaining());
        let rest = self.held.split_off(count);
        buf.put_slice(&self.held);
        self.held = rest;
        self.is_releasing = !self.held.is_empty();
        self.hand_over(count)
    }

    /// Counts bytes that hyper gets, and reserves the memory for its buffer.
    fn hand_over(&mut self, count: usize) -> io::Result<()> {
        self.head.handed_over = self.head.handed_over.saturating_add(count);
        let length = self.head.handed_over.saturating_add(self.held.len());
        let needed = PARSER_BYTES.saturating_add(length.saturating_mul(BYTES_PER_HEAD_BYTE));
        if length <= FREE_HEAD_BYTES || self.memory.try_grow_to(needed) {
            Ok(())
        } else {
            Err(io::ErrorKind::OutOfMemory.into())
        }
    }
}

impl<T: AsyncRead + Unpin> HeadStream<T> {
    fn poll_read_head(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let request = self.activity.request_count();
        if self.head.request != request {
            self.head = Head::after(request);
        }
        let start = buf.filled().len();
        loop {
            ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
            let piece = buf.filled().get(start..).unwrap_or_default();
            if self.head.handed_over == 0 && self.held.is_empty() {
                // Nearly every head arrives whole.
                self.head.receive(piece);
                return Poll::Ready(self.hand_over(piece.len()));
            }
            let is_complete = piece.is_empty() || self.head.receive(piece);
            self.held.extend_from_slice(piece);
            buf.set_filled(start);
            if is_complete || self.held.len() >= self.head.handed_over {
                return Poll::Ready(self.release(buf));
            }
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for HeadStream<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.is_releasing {
            return Poll::Ready(self.release(buf));
        }
        if self.activity.is_busy() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        self.poll_read_head(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for HeadStream<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::memory::MemoryBudget;

    /// A client that sends a byte at a time.
    struct Dripping<'b>(&'b [u8]);

    impl AsyncRead for Dripping<'_> {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            if let Some((first, rest)) = self.0.split_first() {
                buf.put_slice(&[*first]);
                self.0 = rest;
            }
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn the_parser_gets_a_slowly_sent_head_in_few_pieces() {
        let client = MemoryBudget::new(1024 * 1024).register();
        let head = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "v".repeat(10_000));
        let mut stream =
            HeadStream::new(Dripping(head.as_bytes()), Activity::new(Arc::clone(&client.holder)), Vec::new());
        let (mut received, mut pieces) = (Vec::new(), 0);
        while received.len() < head.len() {
            let mut buffer = [0; 16 * 1024];
            let mut buf = ReadBuf::new(&mut buffer);
            let mut cx = Context::from_waker(std::task::Waker::noop());
            assert!(matches!(Pin::new(&mut stream).poll_read(&mut cx, &mut buf), Poll::Ready(Ok(()))));
            received.extend_from_slice(buf.filled());
            pieces += 1;
        }
        assert_eq!(received, head.as_bytes());
        assert!(pieces <= 16, "{pieces} pieces for {} bytes", head.len());
    }
}
