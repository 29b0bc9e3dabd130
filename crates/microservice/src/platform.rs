//! The differences between wasm in WasmEdge and a native process, apart from the two dependency tables in Cargo.toml.

use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::SocketAddr;
use std::time::SystemTime;

use tokio::net::TcpListener;

/// The send buffer of each client connection, in bytes; Linux doubles it. Without a bound the kernel buffers up to 4 MB
/// of a response for each slow client, and a container's memory limit counts that.
const SEND_BUFFER_BYTES: u32 = 64 * 1024;

/// The receive buffer of each client connection, in bytes; Linux doubles it. Without a bound it grows to 6 MB for a
/// client whose body is read more slowly than it sends. A client 50 ms away can still send 2.5 MB a second.
const RECEIVE_BUFFER_BYTES: u32 = 128 * 1024;

/// Binds a listener whose connections have buffers of a bounded size.
#[cfg(target_os = "wasi")]
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    use wasmedge_wasi_socket::socket::{SocketOptLevel, SocketOptName};
    let listener = wasmedge_wasi_socket::TcpListener::bind(address, true)?;
    listener.as_ref().setsockopt(SocketOptLevel::SolSocket, SocketOptName::SoSndbuf, SEND_BUFFER_BYTES)?;
    listener.as_ref().setsockopt(SocketOptLevel::SolSocket, SocketOptName::SoRcvbuf, RECEIVE_BUFFER_BYTES)?;
    TcpListener::from_std(listener)
}

/// Binds a listener whose connections have buffers of a bounded size.
#[cfg(not(target_os = "wasi"))]
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    rustix::net::sockopt::set_socket_send_buffer_size(&listener, SEND_BUFFER_BYTES as usize)?;
    rustix::net::sockopt::set_socket_recv_buffer_size(&listener, RECEIVE_BUFFER_BYTES as usize)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// The reason why a name does not resolve, with the name; None if it resolves. tokio_wasi says "could not resolve to
/// any address" for every name and reason. This does not wait for a silent name server again: the binding caches the
/// failure.
#[cfg(target_os = "wasi")]
pub(crate) fn resolve_error(host: &str) -> Option<io::Error> {
    wasmedge_wasi_socket::nslookup(host, "").err()
}

/// Natively the error of the connect itself says so.
#[cfg(not(target_os = "wasi"))]
pub(crate) fn resolve_error(_host: &str) -> Option<io::Error> {
    None
}

/// The number of descriptors that can be opened beside those that are open, up to `max`. WASI has no `getrlimit`.
#[cfg(target_os = "wasi")]
pub(crate) fn spare_descriptors(max: usize) -> usize {
    use wasmedge_wasi_socket::socket::{AddressFamily, Socket, SocketType};
    let open = || Socket::new(AddressFamily::Inet4, SocketType::Datagram).ok();
    std::iter::repeat_with(open).take(max).map_while(|socket| socket).collect::<Vec<_>>().len()
}

/// The number of descriptors that can be opened beside those that are open, up to `max`.
#[cfg(not(target_os = "wasi"))]
pub(crate) fn spare_descriptors(max: usize) -> usize {
    let open = || std::net::UdpSocket::bind((std::net::Ipv4Addr::LOCALHOST, 0)).ok();
    std::iter::repeat_with(open).take(max).map_while(|socket| socket).collect::<Vec<_>>().len()
}

/// True for errors which say that file descriptors or memory for a connection are used up.
pub(crate) fn is_out_of_resources(error: &io::Error) -> bool {
    // EMFILE, ENFILE, ENOBUFS, ENOMEM: as WASI's `errno` numbers them, and as Linux does.
    let codes = if cfg!(target_os = "wasi") { [33, 41, 42, 48] } else { [24, 23, 105, 12] };
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

/// Seeds the generator behind request ids and jitter. The standard library seeds `RandomState` from the system; the
/// time keeps replicas apart where the system's generator is weak, as WasmEdge's is. Not for secrets.
pub(crate) fn seed_random() {
    fastrand::seed(RandomState::new().hash_one(SystemTime::now()));
}
