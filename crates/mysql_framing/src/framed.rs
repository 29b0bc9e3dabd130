//! A stream of packets over a stream of bytes.

use std::future::Future as _;
use std::io;
use std::ops::Deref;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BytesMut};
use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};

use crate::violation::{MAX_RESPONSE_BYTES, TOO_LARGE};
use crate::{Decoder, Encoder, Guard, Violation};

/// The free space in the buffer for one read. Above this length the write buffer is flushed before the next packet.
const BUFFER_BYTES: usize = 8 * 1024;

/// A stream of packets in both directions. Fails for a packet that violates the protocol.
///
/// It has the methods that the driver calls.
#[derive(Debug)]
pub struct Framed<T, U> {
    parts: FramedParts<T, U>,
    /// Bytes that were received since the last packet was complete.
    incomplete_bytes: usize,
    /// The peer has closed its side.
    is_ended: bool,
    guard: Guard,
}

/// What a [`Framed`] consists of.
#[derive(Debug)]
pub struct FramedParts<T, U> {
    /// The stream of bytes.
    pub io: T,
    /// Between bytes and packets.
    pub codec: U,
    /// Received bytes that are no whole packet yet.
    pub read_buf: BytesMut,
    /// Bytes to be sent.
    pub write_buf: BytesMut,
}

impl<T, U> Framed<T, U> {
    /// Frames `io` with `codec`.
    pub fn new(io: T, codec: U) -> Self {
        let parts = FramedParts { io, codec, read_buf: BytesMut::new(), write_buf: BytesMut::new() };
        Self { parts, incomplete_bytes: 0, is_ended: false, guard: Guard::default() }
    }

    /// The underlying stream.
    pub fn get_ref(&self) -> &T {
        &self.parts.io
    }

    /// The underlying stream.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.parts.io
    }

    /// The codec.
    pub fn codec_mut(&mut self) -> &mut U {
        &mut self.parts.codec
    }

    /// The stream, the codec and the buffers.
    pub fn into_parts(self) -> FramedParts<T, U> {
        self.parts
    }
}

impl<T, U> Stream for Framed<T, U>
where
    T: AsyncRead + Unpin,
    U: Decoder + Unpin,
    U::Item: Deref<Target = [u8]>,
{
    type Item = Result<U::Item, U::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { parts: FramedParts { io, codec, read_buf, .. }, incomplete_bytes, is_ended, guard } = &mut *self;
        loop {
            if let Some(packet) = codec.decode(read_buf)? {
                *incomplete_bytes = 0;
                guard.received(&packet).map_err(invalid_data)?;
                return Poll::Ready(Some(Ok(packet)));
            }
            if *is_ended {
                let is_complete = read_buf.is_empty();
                let error = || io::Error::new(io::ErrorKind::UnexpectedEof, "the connection ended within a packet");
                return Poll::Ready((!is_complete).then(|| Err(error().into())));
            }
            if *incomplete_bytes > MAX_RESPONSE_BYTES {
                return Poll::Ready(Some(Err(invalid_data(TOO_LARGE).into())));
            }
            read_buf.reserve(BUFFER_BYTES);
            let received = ready!(pin!(io.read_buf(read_buf)).poll(context))?;
            *incomplete_bytes += received;
            *is_ended = received == 0;
        }
    }
}

fn invalid_data(violation: Violation) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, violation)
}

impl<T, I, U> Sink<I> for Framed<T, U>
where
    T: AsyncWrite + Unpin,
    I: Deref<Target = [u8]>,
    U: Encoder<I> + Unpin,
{
    type Error = U::Error;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), U::Error>> {
        if self.parts.write_buf.len() < BUFFER_BYTES { Poll::Ready(Ok(())) } else { self.poll_flush(context) }
    }

    fn start_send(mut self: Pin<&mut Self>, packet: I) -> Result<(), U::Error> {
        let Self { parts: FramedParts { codec, write_buf, .. }, guard, .. } = &mut *self;
        guard.sent(&packet);
        codec.encode(packet, write_buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), U::Error>> {
        let FramedParts { io, write_buf, .. } = &mut self.parts;
        while !write_buf.is_empty() {
            let written = ready!(Pin::new(&mut *io).poll_write(context, write_buf))?;
            if written == 0 {
                return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into()));
            }
            write_buf.advance(written);
        }
        Pin::new(io).poll_flush(context).map_err(U::Error::from)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), U::Error>> {
        ready!(self.as_mut().poll_flush(context))?;
        Pin::new(&mut self.parts.io).poll_shutdown(context).map_err(U::Error::from)
    }
}
