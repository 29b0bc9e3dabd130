//! A port on this machine's loopback address that leads into the cluster's network.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use anyhow::{Context, Result};

use crate::machine::Network;

/// Listens on 127.0.0.1, at `port` when that is free, and hands each connection on to `to` in the cluster, until this process
/// ends. Returns the port.
///
/// # Errors
/// When no port can be had.
pub fn forward(network: &Network, port: u16, to: SocketAddr) -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .context("no port on 127.0.0.1")?;
    let port = listener.local_addr()?.port();
    let network = network.clone();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let network = network.clone();
            thread::spawn(move || {
                // A connection that cannot be made is closed: the client sees that.
                let _ = carry(&network, client, to);
            });
        }
    });
    Ok(port)
}

fn carry(network: &Network, client: TcpStream, to: SocketAddr) -> Result<()> {
    network.enter()?;
    let server = TcpStream::connect(to)?;
    let (from_client, to_server) = (client.try_clone()?, server.try_clone()?);
    let up = thread::spawn(move || copy(from_client, to_server));
    copy(server, client);
    let _ = up.join();
    Ok(())
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}
