//! Sockets of the WasmEdge runtime, for programs compiled to `wasm32-wasip1`.
//!
//! WasmEdge adds sockets to WASI preview 1 as host functions (`sock_open`, `sock_accept`, …, `sock_getaddrinfo`) and waits for them
//! in `poll_oneoff`. This crate is what the `*_wasi` family (mio, tokio, hyper, reqwest and mysql_async for WasmEdge) and
//! plain programs reach them through. It has the name, the version line and the interface of the crate published under this name and takes its
//! place by `[patch.crates-io]`; `README.md` says why it exists and what it mends.
//!
//! | room | what is in it |
//! |---|---|
//! | [`TcpStream`], [`TcpListener`], [`UdpSocket`] | the types of `std::net`, as far as the runtime can |
//! | [`socket`] | a bare socket, its options, and the types of the runtime's interface |
//! | [`ToSocketAddrs`], [`nslookup`] | names to addresses |
//! | [`poll`] | waiting for several sockets, for a program's own loop |
//! | [`wasi_poll`] | the same in the runtime's own types, as mio_wasi calls it |
//! | `wait`, `rounds`, `choice`, `edges` (private) | one wait: what survives a freeze, which descriptors are asked about, what is known already |
//!
//! The runtime's functions are cited as of WasmEdge 0.14.1, by file: `wasifunc.cpp` and `inode-linux.cpp` are in its `lib/host/wasi/`,
//! `environ.h` in `include/host/wasi/`, `api.hpp` in `thirdparty/wasi/`.
//!
//! On other targets only the parts without a runtime are compiled, so that their tests run there too.

pub mod errno;

#[cfg(any(target_os = "wasi", test))]
mod addr;
#[cfg(any(target_os = "wasi", test))]
mod choice;
#[cfg(any(target_os = "wasi", test))]
mod dns;
#[cfg(target_os = "wasi")]
mod dns_server;

#[cfg(target_os = "wasi")]
mod edges;
#[cfg(target_os = "wasi")]
mod host;
#[cfg(any(target_os = "wasi", test))]
mod memory;
#[cfg(target_os = "wasi")]
mod names;
#[cfg(target_os = "wasi")]
mod options;
#[cfg(target_os = "wasi")]
pub mod poll;
#[cfg(any(target_os = "wasi", test))]
mod reach;
#[cfg(any(target_os = "wasi", test))]
mod rounds;
#[cfg(target_os = "wasi")]
pub mod socket;
#[cfg(target_os = "wasi")]
mod tcp;
#[cfg(target_os = "wasi")]
mod udp;
#[cfg(target_os = "wasi")]
mod wait;
#[cfg(any(target_os = "wasi", test))]
pub mod wasi_poll;

pub use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr};

#[cfg(target_os = "wasi")]
pub use names::{ToSocketAddrs, nslookup, nslookup_with_dns_server, nslookup_with_host};
#[cfg(target_os = "wasi")]
pub use tcp::{Incoming, TcpListener, TcpStream};
#[cfg(target_os = "wasi")]
pub use udp::UdpSocket;
