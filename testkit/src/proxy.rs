//! A TCP proxy on 127.0.0.1 that misbehaves on request, while it runs.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread;

use anyhow::{Result, bail};

use crate::ports;

mod fault;
mod listener;
mod pump;
mod state;

pub use fault::{Direction, Fault, Then, When};
use state::State;

/// A proxy to one address; connections end and the port is free when it is dropped.
#[derive(Debug)]
pub struct FaultProxy {
    port: u16,
    state: Arc<State>,
}

impl FaultProxy {
    /// A proxy to `target` on a free port, passing everything on.
    ///
    /// # Errors
    /// When no port can be bound.
    pub fn to(target: SocketAddr) -> Result<Self> {
        for _ in 0..20 {
            let port = ports::free()?;
            let Ok(listener) = listener::bind(port) else {
                continue;
            };
            let state = Arc::new(State::new(target));
            state.open(listener);
            let shared = Arc::clone(&state);
            thread::spawn(move || listener::serve(&shared));
            return Ok(Self { port, state });
        }
        bail!("no port could be bound for a proxy")
    }

    /// A proxy to `port` of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be bound.
    pub fn to_port(port: u16) -> Result<Self> {
        Self::to(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }

    /// The port it listens on, also while it refuses.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn addr(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Does `fault` from now on, to new connections and to those that are open.
    ///
    /// # Errors
    /// When its port was taken by another process while it refused.
    pub fn set(&self, fault: Fault) -> Result<()> {
        self.change(fault, false)
    }

    /// Does `fault` until it has happened once (a cut, a match), then passes everything on again.
    ///
    /// # Errors
    /// When its port was taken by another process while it refused.
    pub fn set_once(&self, fault: Fault) -> Result<()> {
        self.change(fault, true)
    }

    /// How often a fault has happened: a connection refused, reset or cut, a pattern met.
    #[must_use]
    pub fn fired(&self) -> usize {
        self.state.fired()
    }

    /// Connections accepted so far.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.state.accepted()
    }

    /// Connections that are open now.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.state.open_connections()
    }

    /// Ends all connections that are open now, as a router that forgets them would: with a reset.
    pub fn drop_connections(&self) {
        self.state.drop_connections();
    }

    fn change(&self, fault: Fault, once: bool) -> Result<()> {
        if fault == Fault::Refuse {
            self.state.set(fault, once);
            self.state.close();
        } else {
            if !self.state.is_open() {
                self.state.open(listener::bind(self.port)?);
            }
            self.state.set(fault, once);
        }
        Ok(())
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.state.end();
    }
}

#[cfg(test)]
mod tests;
