//! The few places where wasm in WasmEdge and a native process differ, apart from the crates in Cargo.toml's two tables.

use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

/// What the kernel may hold of an answer that a client does not take; Linux doubles it. Left to itself it takes up to 4 MB,
/// which a container's memory limit counts, for each slow client.
const SEND_BUFFER: u32 = 256 * 1024;

/// A listener whose connections have send buffers of a bounded size.
#[cfg(target_os = "wasi")]
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    use wasmedge_wasi_socket::socket::{SocketOptLevel, SocketOptName};
    let listener = wasmedge_wasi_socket::TcpListener::bind(address, true)?;
    listener.as_ref().setsockopt(SocketOptLevel::SolSocket, SocketOptName::SoSndbuf, SEND_BUFFER)?;
    TcpListener::from_std(listener)
}

/// A listener whose connections have send buffers of a bounded size.
#[cfg(not(target_os = "wasi"))]
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    rustix::net::sockopt::set_socket_send_buffer_size(&listener, SEND_BUFFER as usize)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// Why a name has no address, in words that name it; nothing if it has one. tokio_wasi says "could not resolve to any address" for every name and
/// reason. It is no second wait for a name server that does not answer: the binding remembers for a while that none does.
#[cfg(target_os = "wasi")]
pub(crate) fn why_unresolved(host: &str) -> Option<io::Error> {
    wasmedge_wasi_socket::nslookup(host, "").err()
}

/// Natively the error of the connect itself says it.
#[cfg(not(target_os = "wasi"))]
pub(crate) fn why_unresolved(_host: &str) -> Option<io::Error> {
    None
}

/// True for the errors that say that the process or the system has no file descriptor, or no memory for a connection, left.
pub(crate) fn is_out_of_resources(error: &io::Error) -> bool {
    // EMFILE, ENFILE, ENOBUFS, ENOMEM: as WASI's `errno` numbers them, and as Linux does.
    let codes = if cfg!(target_os = "wasi") { [33, 41, 42, 48] } else { [24, 23, 105, 12] };
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

/// A number that nobody can tell beforehand: for request ids and jitter, not for secrets.
pub(crate) fn random() -> u64 {
    // The standard library seeds each `RandomState` from the system and makes every next one differ.
    RandomState::new().hash_one(0_u8)
}
