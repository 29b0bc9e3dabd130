//! Ports on this machine's loopback address that lead to addresses in the cluster.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use anyhow::{Context, Result};
use testkit::sandbox::NetworkNamespace;

/// Forwards connections from 127.0.0.1 to `target` in the cluster until this process ends. Uses `preferred_port` if it
/// is free. Returns the port.
///
/// # Errors
/// When no port is free.
pub fn start(network: &NetworkNamespace, preferred_port: u16, target: SocketAddr) -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, preferred_port))
        .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .context("no port on 127.0.0.1")?;
    let port = listener.local_addr()?.port();
    let network = network.clone();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let network = network.clone();
            thread::spawn(move || {
                // When the target is unreachable, the client's connection is closed.
                let _ = relay(&network, client, target);
            });
        }
    });
    Ok(port)
}

fn relay(network: &NetworkNamespace, client: TcpStream, target: SocketAddr) -> Result<()> {
    network.enter()?;
    let server = TcpStream::connect(target)?;
    let (from_client, to_server) = (client.try_clone()?, server.try_clone()?);
    let upstream = thread::spawn(move || copy(from_client, to_server));
    copy(server, client);
    let _ = upstream.join();
    Ok(())
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}
