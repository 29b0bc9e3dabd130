//! Checks of UDP.

use std::io::{ErrorKind, IoSlice};

use wasmedge_wasi_socket::poll::Subscription;
use wasmedge_wasi_socket::{SocketAddr, UdpSocket};

use super::waits::{Seen, seen};
use super::{Check, READ_TIMEOUT, checks, error_of, same};

checks!(
    a_datagram_has_the_address_of_its_sender,
    many_buffers_are_one_datagram,
    an_empty_datagram_is_received,
    a_long_datagram_is_truncated_and_the_next_is_complete,
    a_datagram_makes_its_socket_readable,
);

fn bound() -> std::io::Result<UdpSocket> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.as_ref().set_recv_timeout(Some(READ_TIMEOUT))?;
    Ok(socket)
}

fn address(socket: &UdpSocket) -> std::io::Result<SocketAddr> {
    socket.as_ref().get_local()
}

fn a_datagram_has_the_address_of_its_sender() -> Check {
    let (one, other) = (bound()?, bound()?);
    let mut buffer = [0; 16];
    same(one.send_to(b"question", address(&other)?)?, 8)?;
    let (length, from) = other.recv_from(&mut buffer)?;
    same((&buffer[..length], from), (b"question".as_slice(), address(&one)?))?;
    other.send_to(b"answer", from)?;
    let (length, from) = one.recv_from(&mut buffer)?;
    same((&buffer[..length], from), (b"answer".as_slice(), address(&other)?))
}

fn many_buffers_are_one_datagram() -> Check {
    let (one, other) = (bound()?, bound()?);
    let pieces = [IoSlice::new(b"one "), IoSlice::new(b"two "), IoSlice::new(b"three")];
    same(one.as_ref().send_to_vectored(&pieces, address(&other)?, 0)?, 13)?;
    let mut buffer = [0; 32];
    let (length, _) = other.recv_from(&mut buffer)?;
    same(&buffer[..length], b"one two three".as_slice())
}

fn an_empty_datagram_is_received() -> Check {
    let (one, other) = (bound()?, bound()?);
    same(one.send_to(b"", address(&other)?)?, 0)?;
    same(other.recv_from(&mut [0; 8])?, (0, address(&one)?))
}

fn a_long_datagram_is_truncated_and_the_next_is_complete() -> Check {
    let (one, other) = (bound()?, bound()?);
    one.send_to(b"0123456789", address(&other)?)?;
    one.send_to(b"next", address(&other)?)?;
    let mut buffer = [0; 4];
    same(other.recv_from(&mut buffer)?.0, 4)?;
    same(&buffer, b"0123")?;
    same(other.recv_from(&mut buffer)?.0, 4)?;
    same(&buffer, b"next")
}

fn a_datagram_makes_its_socket_readable() -> Check {
    let (one, other) = (bound()?, bound()?);
    other.as_ref().set_nonblocking(true)?;
    same(error_of(other.recv_from(&mut [0; 8]))?, ErrorKind::WouldBlock)?;
    let silent = |milliseconds| Subscription::io(1, &other, true, false, Some(super::waits::after(milliseconds)));
    same(seen(&[silent(30)])?, vec![(1, Seen::Timeout)])?;
    one.send_to(b"x", address(&other)?)?;
    same(seen(&[silent(5_000)])?, vec![(1, Seen::Read)])
}
