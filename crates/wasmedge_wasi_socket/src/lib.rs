//! Sockets of the WasmEdge runtime, for programs compiled to `wasm32-wasip1`.
//!
//! WasmEdge adds socket functions to WASI preview 1 (`sock_open`, `sock_accept`, …, `sock_getaddrinfo`), and
//! `poll_oneoff` waits for sockets. The `*_wasi` crates (mio, tokio, hyper, reqwest and mysql_async for WasmEdge) and
//! other programs use them through this crate. It has the name, the version line and the interface of the published
//! crate and replaces it by `[patch.crates-io]`; see `README.md`.
//!
//! | public item | purpose |
//! |---|---|
//! | [`TcpStream`], [`TcpListener`], [`UdpSocket`] | the types of `std::net`, as far as the runtime supports them |
//! | [`socket`] | a bare socket and its options |
//! | [`ToSocketAddrs`], [`nslookup`] | name resolution |
//! | [`poll`] | waiting for several sockets, for a program with its own event loop |
//! | [`wasi_poll`] | the same with the types of WASI, for mio_wasi |
//! | [`statistics()`] | what the event loop has done, for metrics; the published crate does not have it |
//! | [`errno`] | the runtime's error numbers |
//!
//! Each layer uses only those above it:
//!
//! | layer | purpose |
//! |---|---|
//! | `sys` | the host functions with safe signatures, the types of WASI, the clock; almost all `unsafe` |
//! | `fd_table` | what is known of each socket without a system call |
//! | `probe` | questions about one descriptor: input, error, type |
//! | `poller` | one wait: which descriptors are polled, and when it ends; `poll` and `wasi_poll` are its interface |
//! | `net` | sockets, TCP, UDP, options |
//! | `resolve` | names, the DNS cache, the client for `DNS_SERVER`, the health of addresses |
//!
//! The runtime's functions are cited as of WasmEdge 0.14.1, by file: `wasifunc.cpp` and `inode-linux.cpp` are in its
//! `lib/host/wasi/`, `environ.h` in `include/host/wasi/`, `api.hpp` in `thirdparty/wasi/`.
//!
//! On other targets only [`errno`] is compiled, and for tests the parts that do not call the runtime.

mod sys;

#[cfg(any(target_os = "wasi", test))]
mod fd_table;
#[cfg(target_os = "wasi")]
mod net;
#[cfg(target_os = "wasi")]
pub mod poll;
#[cfg(any(target_os = "wasi", test))]
mod poller;
#[cfg(target_os = "wasi")]
mod probe;
#[cfg(any(target_os = "wasi", test))]
mod resolve;
#[cfg(target_os = "wasi")]
mod statistics;
#[cfg(target_os = "wasi")]
pub mod wasi_poll;
/// For native tests: the types alone.
#[cfg(all(test, not(target_os = "wasi")))]
pub mod wasi_poll {
    pub use crate::sys::poll_types::*;
}

pub use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr};
pub use sys::errno;

#[cfg(target_os = "wasi")]
pub use net::{Incoming, TcpListener, TcpStream, ToSocketAddrs, UdpSocket, socket};
#[cfg(target_os = "wasi")]
pub use resolve::{nslookup, nslookup_with_dns_server, nslookup_with_host};
#[cfg(target_os = "wasi")]
pub use statistics::{Statistics, statistics};
