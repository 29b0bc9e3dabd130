//! Sending and receiving. Every call that a signal interrupts is repeated.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddr;

use super::abi::{self, Address, IoVec};
use super::calls::retry;
use super::{address, errno};

/// The number of buffers that one call takes (`kIOVMax` in `environ.h`).
pub(crate) const MAX_IOVECS: usize = 1024;

/// `__WASI_RIFLAGS_RECV_PEEK`.
pub(crate) const PEEK: u16 = 1;

/// Writes up to [`MAX_IOVECS`] buffers and returns the number of bytes.
pub(crate) fn send(fd: u32, bufs: &[IoSlice<'_>], flags: u16) -> io::Result<usize> {
    let mut sent = 0;
    retry(|| {
        // SAFETY: std documents that `IoSlice` has the layout of the target's iovec, which is `IoVec`. The runtime only
        // reads through the pointers, and the slices outlive the call.
        unsafe { abi::sock_send(fd, bufs.as_ptr().cast(), bufs.len(), u32::from(flags), &mut sent) }
    })?;
    Ok(sent)
}

/// Sends one datagram and returns the number of bytes.
pub(crate) fn send_to(fd: u32, bufs: &[IoSlice<'_>], to: SocketAddr, flags: u16) -> io::Result<usize> {
    let (mut bytes, size) = address::plain(to.ip());
    let address = Address { buf: bytes.as_mut_ptr(), size };
    let (mut sent, port, flags) = (0, u32::from(to.port()), u32::from(flags));
    retry(|| {
        // SAFETY: as in `send`; `address` points at `bytes`, which holds at least `size` bytes.
        unsafe { abi::sock_send_to(fd, bufs.as_ptr().cast(), bufs.len(), &address, port, flags, &mut sent) }
    })?;
    Ok(sent)
}

/// Reads into up to [`MAX_IOVECS`] buffers; returns the number of bytes and the flags that came back.
pub(crate) fn receive(fd: u32, bufs: &mut [IoSliceMut<'_>], flags: u16) -> io::Result<(usize, u32)> {
    let iovecs: *const IoVec = bufs.as_mut_ptr().cast();
    let count = bufs.len().min(MAX_IOVECS);
    let (mut length, mut out) = (0, 0);
    retry(|| {
        // SAFETY: std documents that `IoSliceMut` has the layout of the target's iovec, which is `IoVec`. The slices
        // are borrowed mutably and outlive the call.
        unsafe { abi::sock_recv(fd, iovecs, count, u32::from(flags), &mut length, &mut out) }
    })?;
    Ok((length, out))
}

/// Receives one datagram; returns the number of bytes, the sender and the flags that came back.
pub(crate) fn receive_from(fd: u32, buf: &mut [u8], flags: u16) -> io::Result<(usize, SocketAddr, u32)> {
    let mut storage = [0; address::STORAGE];
    let from = Address { buf: storage.as_mut_ptr(), size: storage.len() };
    let iovec = IoVec { buf: buf.as_mut_ptr(), size: buf.len() };
    let (mut length, mut out, mut port, flags) = (0, 0, 0, u32::from(flags));
    retry(|| {
        // SAFETY: `iovec` points at `buf` and `from` at `storage`, both borrowed mutably; the three numbers are live.
        unsafe { abi::sock_recv_from(fd, &iovec, 1, &from, flags, &mut port, &mut length, &mut out) }
    })?;
    let from = address::from_storage(&storage, port as u16).ok_or(io::ErrorKind::Unsupported)?;
    Ok((length, from, out))
}

/// Reads one byte without taking it, and without a retry; returns the error number.
pub(crate) fn peek(fd: u32) -> u16 {
    let mut byte = 0;
    let iovec = IoVec { buf: &raw mut byte, size: 1 };
    let (mut length, mut out) = (0, 0);
    // SAFETY: `iovec` points at `byte`, which is live like the two numbers; no other memory is written.
    let result = unsafe { abi::sock_recv(fd, &iovec, 1, u32::from(PEEK), &mut length, &mut out) };
    u16::try_from(result).unwrap_or(errno::INVAL)
}
