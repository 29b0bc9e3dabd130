//! Checks of socket options and their effects.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use wasmedge_wasi_socket::socket::{AddressFamily, Socket, SocketOptLevel, SocketOptName, SocketType};
use wasmedge_wasi_socket::{TcpListener, UdpSocket};

use super::{Check, checks, error_of, listen, pair, same};

checks!(
    a_read_ends_at_its_timeout,
    a_write_ends_at_its_timeout,
    timeouts_are_returned_as_they_were_set,
    a_non_blocking_socket_does_not_block,
    switches_are_returned_as_they_were_set,
    buffer_sizes_are_in_bytes,
    a_socket_knows_its_type,
    a_socket_is_bound_to_no_device,
);

const TIMEOUT: Duration = Duration::from_millis(120);

/// Fails unless the operation that began at this time took the timeout, within the tolerance of a busy machine.
fn check_duration(began: Instant) -> Check {
    let took = began.elapsed();
    let in_range = took >= TIMEOUT - Duration::from_millis(10) && took < Duration::from_secs(3);
    if in_range { Ok(()) } else { Err(format!("it took {took:?}").into()) }
}

fn a_read_ends_at_its_timeout() -> Check {
    let (_one, mut other) = pair()?;
    other.as_ref().set_recv_timeout(Some(TIMEOUT))?;
    let began = Instant::now();
    same(error_of(other.read(&mut [0; 8]))?, ErrorKind::WouldBlock)?;
    check_duration(began)
}

fn a_write_ends_at_its_timeout() -> Check {
    let (mut one, _other) = pair()?;
    one.as_ref().set_send_timeout(Some(TIMEOUT))?;
    let block = vec![0; 1 << 20];
    loop {
        let began = Instant::now();
        if let Err(error) = one.write(&block) {
            same(error.kind(), ErrorKind::WouldBlock)?;
            return check_duration(began);
        }
    }
}

fn timeouts_are_returned_as_they_were_set() -> Check {
    let socket = Socket::new(AddressFamily::Inet4, SocketType::Stream)?;
    same((socket.get_recv_timeout()?, socket.get_send_timeout()?), (None, None))?;
    let (read, write) = (Some(Duration::from_secs(7)), Some(Duration::from_millis(2_500)));
    socket.set_recv_timeout(read)?;
    socket.set_send_timeout(write)?;
    same((socket.get_recv_timeout()?, socket.get_send_timeout()?), (read, write))?;
    socket.set_recv_timeout(None)?;
    same((socket.get_recv_timeout()?, socket.get_send_timeout()?), (None, write))
}

fn a_non_blocking_socket_does_not_block() -> Check {
    let (_one, mut other) = pair()?;
    same(other.as_ref().nonblocking()?, false)?;
    other.set_nonblocking(true)?;
    same(other.as_ref().nonblocking()?, true)?;
    same(error_of(other.read(&mut [0; 8]))?, ErrorKind::WouldBlock)?;
    other.set_nonblocking(false)?;
    same(other.as_ref().nonblocking()?, false)?;
    let listener = TcpListener::bind("127.0.0.1:0", true)?;
    same(error_of(listener.accept(true))?, ErrorKind::WouldBlock)
}

fn switches_are_returned_as_they_were_set() -> Check {
    let set = |socket: &Socket, name| socket.setsockopt(SocketOptLevel::SolSocket, name, 1_i32);
    let (one, _other) = pair()?;
    same(one.as_ref().keepalive()?, false)?;
    set(one.as_ref(), SocketOptName::SoKeepalive)?;
    same(one.as_ref().keepalive()?, true)?;
    let udp = UdpSocket::bind("127.0.0.1:0")?;
    same(udp.as_ref().broadcast()?, false)?;
    set(udp.as_ref(), SocketOptName::SoBroadcast)?;
    same(udp.as_ref().broadcast()?, true)?;
    let (listener, _) = listen()?;
    same((listener.as_ref().reuse_address()?, one.as_ref().reuse_address()?), (true, false))
}

fn buffer_sizes_are_in_bytes() -> Check {
    let socket = Socket::new(AddressFamily::Inet4, SocketType::Stream)?;
    for name in [SocketOptName::SoRcvbuf, SocketOptName::SoSndbuf] {
        socket.setsockopt(SocketOptLevel::SolSocket, name, 32_768_i32)?;
    }
    // The kernel doubles the requested size and returns the double (socket(7)).
    same((socket.recv_buffer_size()?, socket.send_buffer_size()?), (65_536, 65_536))
}

fn a_socket_knows_its_type() -> Check {
    let (listener, _) = listen()?;
    let udp = UdpSocket::bind("127.0.0.1:0")?;
    same((listener.as_ref().is_listener()?, udp.as_ref().is_listener()?), (true, false))?;
    let stream = matches!(listener.as_ref().r#type()?, SocketType::Stream);
    same((stream, matches!(udp.as_ref().r#type()?, SocketType::Datagram)), (true, true))
}

fn a_socket_is_bound_to_no_device() -> Check {
    same(Socket::new(AddressFamily::Inet4, SocketType::Stream)?.device()?, None)
}
