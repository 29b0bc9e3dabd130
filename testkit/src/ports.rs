//! Free ports on the loopback address.
//!
//! They lie below the kernel's ephemeral range. The kernel may give a port inside it to an outgoing connection before
//! the server binds it; a client that retries while the server is down can even connect to itself.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Result, bail};

/// A port that was free a moment ago. Another process may bind it first; callers retry then.
///
/// # Errors
/// When hundreds of random ports were all in use.
pub fn free() -> Result<u16> {
    let top = ephemeral_start().clamp(20_000, 60_000);
    let low = top - 12_000;
    for _ in 0..500 {
        let port = fastrand::u16(low..top);
        if is_free(port) {
            return Ok(port);
        }
    }
    bail!("no free port between {low} and {top}")
}

/// Whether a listener could be bound on 127.0.0.1 now.
#[must_use]
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn ephemeral_start() -> u16 {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    range.split_whitespace().next().and_then(|start| start.parse().ok()).unwrap_or(32_768)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_not_free_and_is_free_afterwards() -> Result<()> {
        let port = free()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        assert!(!is_free(port));
        drop(listener);
        assert!(is_free(port));
        Ok(())
    }
}
