//! A client with as little work per request as possible, on testkit's raw connection: a library's client would need a
//! large part of the measured time and of the processors.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use testkit::Service;
use testkit::http::RawConnection;

/// Every variant responds to this with a short text.
pub(crate) const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: bench\r\n\r\n";

const TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) fn connect(service: &Service) -> Result<RawConnection> {
    RawConnection::connect_timeout(SocketAddr::from((Ipv4Addr::LOCALHOST, service.port())), TIMEOUT)
}

/// Opens connections that make one request each and are idle from then on.
pub(crate) fn open_idle_connections(service: &Service, count: usize) -> Result<Vec<RawConnection>> {
    let open = |_| {
        let mut connection = connect(service)?;
        request(&mut connection)?;
        Ok(connection)
    };
    (0..count).map(open).collect()
}

/// Makes a request and reads the response; returns the time.
pub(crate) fn request(connection: &mut RawConnection) -> Result<Duration> {
    let start = Instant::now();
    connection.send(REQUEST)?;
    read_response(connection)?;
    Ok(start.elapsed())
}

fn read_response(connection: &mut RawConnection) -> Result<()> {
    let response = connection.read_response()?;
    ensure!(response.status() == 200, "status {} instead of 200", response.status());
    Ok(())
}

/// Keeps `count` connections busy from one thread until `stop` is set. Sends to `started` after the first responses.
pub(crate) fn keep_busy(service: &Service, count: usize, stop: &AtomicBool, started: &Sender<()>) -> Result<()> {
    let mut connections = open_idle_connections(service, count)?;
    while !stop.load(Ordering::Relaxed) {
        for connection in &mut connections {
            connection.send(REQUEST)?;
        }
        for connection in &mut connections {
            read_response(connection)?;
        }
        // The receiver waits for the first message only, and may be gone.
        let _ = started.send(());
    }
    Ok(())
}
