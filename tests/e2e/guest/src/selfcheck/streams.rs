//! Checks of TCP: connect, accept, vectored reads and writes, shutdown.

use std::io::{ErrorKind, IoSlice, IoSliceMut, Read, Write};

use wasmedge_wasi_socket::socket::{AddressFamily, Socket, SocketOptLevel, SocketOptName, SocketType};
use wasmedge_wasi_socket::{Shutdown, TcpStream};

use super::{Check, checks, error_of, listen, pair, refusing, same};

checks!(
    a_vectored_read_fills_buffer_after_buffer,
    a_vectored_write_takes_a_thousand_buffers_in_one_call,
    a_write_to_a_full_socket_is_partial_and_loses_nothing,
    connect_tries_the_addresses_until_one_accepts,
    connect_returns_the_error_if_no_address_accepts,
    a_bare_socket_connects_and_becomes_a_stream,
    incoming_yields_one_connection_after_another,
    shutting_down_one_side_leaves_the_other_open,
    a_read_of_a_reset_connection_fails,
);

fn a_vectored_read_fills_buffer_after_buffer() -> Check {
    let (mut one, mut other) = pair()?;
    one.write_all(b"0123456789")?;
    let (mut first, mut second, mut third) = ([0; 3], [0; 4], [0; 8]);
    let mut buffers = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second), IoSliceMut::new(&mut third)];
    same(other.read_vectored(&mut buffers)?, 10)?;
    same((&first, &second, &third), (b"012", b"3456", b"789\0\0\0\0\0"))
}

fn a_vectored_write_takes_a_thousand_buffers_in_one_call() -> Check {
    let (mut one, mut other) = pair()?;
    let bytes: Vec<u8> = (0..1_100_u32).map(|at| (at % 251) as u8).collect();
    let pieces: Vec<IoSlice<'_>> = bytes.chunks(1).map(IoSlice::new).collect();
    // The runtime accepts at most 1,024.
    same(one.write_vectored(&pieces)?, 1_024)?;
    let mut received = vec![0; 1_024];
    other.read_exact(&mut received)?;
    same(received == bytes[..1_024], true)
}

fn a_write_to_a_full_socket_is_partial_and_loses_nothing() -> Check {
    let (mut one, mut other) = pair()?;
    one.as_ref().setsockopt(SocketOptLevel::SolSocket, SocketOptName::SoSndbuf, 16_384_i32)?;
    one.set_nonblocking(true)?;
    let bytes: Vec<u8> = (0..2_000_000_u32).map(|at| (at % 251) as u8).collect();
    let (mut sent, mut received, mut partial, mut full) = (0, Vec::new(), 0, 0);
    let mut buffer = vec![0; 100_000];
    while received.len() < bytes.len() {
        match one.write_vectored(&[IoSlice::new(&bytes[sent..]), IoSlice::new(&[])]) {
            Ok(length) => {
                sent += length;
                partial += usize::from(sent < bytes.len());
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => full += 1,
            Err(error) => return Err(error.into()),
        }
        // Everything sent is read before the next write.
        while received.len() < sent {
            let length = other.read(&mut buffer)?;
            received.extend_from_slice(&buffer[..length]);
        }
    }
    same(received == bytes, true)?;
    same(partial > 0, true)?;
    // Nothing is read any more, so the buffers become full.
    while full == 0 {
        match one.write(&bytes) {
            Ok(_) => {}
            Err(error) => {
                same(error.kind(), ErrorKind::WouldBlock)?;
                full += 1;
            }
        }
    }
    Ok(())
}

fn connect_tries_the_addresses_until_one_accepts() -> Check {
    let (listener, open) = listen()?;
    let stream = TcpStream::connect([refusing()?, refusing()?, open].as_slice())?;
    same(stream.peer_addr()?, open)?;
    let (_, peer) = listener.accept(false)?;
    same(stream.local_addr()?, peer)
}

fn connect_returns_the_error_if_no_address_accepts() -> Check {
    same(error_of(TcpStream::connect([refusing()?, refusing()?].as_slice()))?, ErrorKind::ConnectionRefused)
}

fn a_bare_socket_connects_and_becomes_a_stream() -> Check {
    let (listener, address) = listen()?;
    let socket = Socket::new(AddressFamily::Inet4, SocketType::Stream)?;
    socket.connect(&address)?;
    let mut stream = TcpStream::new(socket);
    let (mut other, _) = listener.accept(false)?;
    stream.write_all(b"hello")?;
    let mut received = [0; 5];
    other.read_exact(&mut received)?;
    same(&received, b"hello")
}

fn incoming_yields_one_connection_after_another() -> Check {
    let (listener, address) = listen()?;
    let clients = [TcpStream::connect(address)?, TcpStream::connect(address)?, TcpStream::connect(address)?];
    for (client, accepted) in clients.iter().zip(listener.incoming()) {
        same(accepted?.peer_addr()?, client.local_addr()?)?;
    }
    Ok(())
}

fn shutting_down_one_side_leaves_the_other_open() -> Check {
    let (mut one, mut other) = pair()?;
    one.shutdown(Shutdown::Write)?;
    let mut buffer = [0; 8];
    same(other.read(&mut buffer)?, 0)?;
    other.write_all(b"late")?;
    same(one.read(&mut buffer)?, 4)?;
    same(error_of(one.write(b"more"))?, ErrorKind::BrokenPipe)
}

fn a_read_of_a_reset_connection_fails() -> Check {
    let (mut one, other) = pair()?;
    one.write_all(b"never read")?;
    // The kernel resets a connection that is closed with something unread.
    drop(other);
    same(error_of(one.read(&mut [0; 8]))?, ErrorKind::ConnectionReset)
}
