//! Sockets: TCP, UDP and the bare ones below them.

mod options;
mod raw_fd;
pub mod socket;
mod tcp;
mod to_socket_addrs;
mod udp;

pub use tcp::{Incoming, TcpListener, TcpStream};
pub use to_socket_addrs::ToSocketAddrs;
pub use udp::UdpSocket;
