//! A reader as a stream of chunks.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use tokio::io::{AsyncRead, ReadBuf};

/// The maximum length of a chunk in bytes.
const CHUNK_BYTES: usize = 4096;

/// The chunks of a reader. The driver would send local files with it, which the guard never lets a server ask for.
#[derive(Debug)]
pub struct ReaderStream<R> {
    reader: R,
}

impl<R> ReaderStream<R> {
    /// Reads `reader` to its end.
    pub fn new(reader: R) -> Self {
        Self { reader }
    }
}

impl<R: AsyncRead + Unpin> Stream for ReaderStream<R> {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut chunk = [0; CHUNK_BYTES];
        let mut buffer = ReadBuf::new(&mut chunk);
        let read = ready!(Pin::new(&mut self.reader).poll_read(context, &mut buffer));
        let chunk = Bytes::copy_from_slice(buffer.filled());
        Poll::Ready(match read {
            Ok(()) if chunk.is_empty() => None,
            read => Some(read.map(|()| chunk)),
        })
    }
}
