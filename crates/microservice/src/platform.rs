//! The differences between wasm in WasmEdge and a native process, apart from the two dependency tables in Cargo.toml.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::SocketAddr;
use std::time::SystemTime;

#[cfg(all(target_os = "wasi", not(published_binding)))]
use prometheus_client::registry::Unit;
use tokio::net::TcpListener;

use crate::metrics::MetricWriter;

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

/// The size of the module's memory, in bytes.
#[cfg(target_os = "wasi")]
pub(crate) fn linear_memory_bytes() -> Option<u64> {
    const PAGE_BYTES: u64 = 65_536;
    Some(std::arch::wasm32::memory_size(0) as u64 * PAGE_BYTES)
}

/// A native process has no linear memory.
#[cfg(not(target_os = "wasi"))]
pub(crate) fn linear_memory_bytes() -> Option<u64> {
    None
}

/// What the event loop and name resolution do, as the binding counts it.
#[cfg(all(target_os = "wasi", not(published_binding)))]
pub(crate) fn write_metrics(writer: &mut MetricWriter<'_>) -> fmt::Result {
    let now = wasmedge_wasi_socket::statistics();
    let (idle, active) = (now.sockets.saturating_sub(now.active_sockets), now.active_sockets);
    writer.counter("event_loop_waits", None, "Waits for events", &now.waits)?;
    writer.counter("event_loop_polls", None, "Calls of poll_oneoff", &now.polls)?;
    writer.counter("event_loop_peeks", None, "Looks at one socket in place of a poll", &now.peeks)?;
    let help = "The longest time between two waits in the last half to whole minute";
    writer.gauge("event_loop_longest_gap", Some(&Unit::Seconds), help, &now.longest_gap.as_secs_f64())?;
    let states = [("active", active as u64), ("idle", idle as u64)];
    writer.gauges("event_loop_sockets", None, "Open sockets", "state", states)?;
    let outcomes = [("found", now.lookups.saturating_sub(now.failed_lookups)), ("failed", now.failed_lookups)];
    writer.counters("dns_lookups", "Names that were looked up, without cached ones", "outcome", outcomes)?;
    let help = "The time of all lookups, in which nothing else runs";
    writer.counter("dns_lookup_time", Some(&Unit::Seconds), help, &now.lookup_time.as_secs_f64())
}

/// The published binding counts nothing, and natively the kernel waits for sockets.
#[cfg(any(not(target_os = "wasi"), published_binding))]
pub(crate) fn write_metrics(_writer: &mut MetricWriter<'_>) -> fmt::Result {
    Ok(())
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
