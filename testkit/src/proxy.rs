//! A TCP proxy on 127.0.0.1 that injects faults. Tests change the fault while it runs.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread;

use anyhow::{Result, bail};

use crate::ports;

mod fault;
mod listener;
mod pump;
mod state;

pub use fault::{Action, Direction, Fault, Timing};
use state::State;

/// A proxy to one address. Drop ends its connections and frees its port.
#[derive(Debug)]
pub struct FaultProxy {
    port: u16,
    state: Arc<State>,
}

impl FaultProxy {
    /// A proxy to `target` on a free port, without a fault.
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

    /// Its port; the same after it has refused connections for a while.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn addr(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Injects `fault` from now on, into new and open connections.
    ///
    /// # Errors
    /// When another process took its port while it refused connections.
    pub fn set(&self, fault: Fault) -> Result<()> {
        self.change(fault, false)
    }

    /// Injects `fault` once (one cut, one match), and forwards everything afterwards.
    ///
    /// # Errors
    /// When another process took its port while it refused connections.
    pub fn set_once(&self, fault: Fault) -> Result<()> {
        self.change(fault, true)
    }

    /// How often a fault was triggered: a connection was reset or cut, or a pattern matched.
    #[must_use]
    pub fn triggered(&self) -> usize {
        self.state.triggered()
    }

    /// The number of connections accepted so far.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.state.accepted()
    }

    /// The number of open connections.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.state.open_connections()
    }

    /// Resets all open connections.
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
