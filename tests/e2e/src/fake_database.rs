//! A server that speaks the MySQL protocol as far as a test wants, to inject faults that MariaDB does not have.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use crate::wait_for;

/// The deadline of a read. The service closes connections long before.
const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// Capabilities that the service needs (`CLIENT_PROTOCOL_41`, `CLIENT_SECURE_CONNECTION`, `CLIENT_DEPRECATE_EOF`, …).
const CAPABILITIES: u32 = 0x81FF_F7FE;
const CLIENT_SSL: u32 = 0x800;

/// A listener on a free port of 127.0.0.1.
pub struct FakeDatabase {
    listener: TcpListener,
}

impl FakeDatabase {
    /// Listens.
    pub fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a blocking mode");
        Self { listener }
    }

    /// The URL of a database on it, with the password `s3cret`.
    pub fn url(&self, options: &str) -> String {
        let address = self.listener.local_addr().expect("an address");
        format!("mysql://orders:s3cret@{address}/orders{options}")
    }

    /// Waits for a connection.
    pub fn accept(&self) -> FakeConnection {
        let (stream, _) = wait_for("the service to connect", || self.listener.accept().ok());
        stream.set_nonblocking(false).expect("a blocking mode");
        stream.set_read_timeout(Some(READ_TIMEOUT)).expect("a timeout");
        FakeConnection { stream, sequence: 0 }
    }
}

/// A connection of the service.
pub struct FakeConnection {
    stream: TcpStream,
    sequence: u8,
}

impl FakeConnection {
    /// Sends a packet. Errors are ignored: the service may have closed the connection.
    pub fn send(&mut self, payload: &[u8]) {
        let _ = self.stream.write_all(&packet(self.sequence, payload));
        self.sequence = self.sequence.wrapping_add(1);
    }

    /// Sends the first packet of a connection.
    pub fn greet(&mut self, offers_tls: bool) {
        let offered = if offers_tls { CAPABILITIES | CLIENT_SSL } else { CAPABILITIES };
        self.send(&greeting(offered));
    }

    /// The next packet, or None after the end of the connection.
    pub fn receive(&mut self) -> Option<Vec<u8>> {
        let [a, b, c, sequence] = self.read_exact()?;
        self.sequence = sequence.wrapping_add(1);
        let mut payload = vec![0; usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16];
        self.stream.read_exact(&mut payload).ok()?;
        Some(payload)
    }

    /// The next record of TLS without its header.
    pub fn receive_tls_record(&mut self) -> Option<Vec<u8>> {
        let [_type, _major, _minor, high, low] = self.read_exact()?;
        let mut record = vec![0; u16::from_be_bytes([high, low]).into()];
        self.stream.read_exact(&mut record).ok()?;
        Some(record)
    }

    /// All bytes that the service sends until it closes the connection.
    ///
    /// # Panics
    /// It does not close the connection.
    pub fn receive_rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let read = self.stream.read_to_end(&mut rest);
        let is_open = read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        assert!(!is_open, "the service keeps the connection open");
        rest
    }

    fn read_exact<const LENGTH: usize>(&mut self) -> Option<[u8; LENGTH]> {
        let mut bytes = [0; LENGTH];
        self.stream.read_exact(&mut bytes).ok().map(|()| bytes)
    }
}

/// A packet with its header.
pub fn packet(sequence: u8, payload: &[u8]) -> Vec<u8> {
    let [a, b, c, _] = u32::try_from(payload.len()).expect("a short packet").to_le_bytes();
    [&[a, b, c, sequence], payload].concat()
}

/// The greeting of a MariaDB.
fn greeting(capabilities: u32) -> Vec<u8> {
    let [a, b, c, d] = capabilities.to_le_bytes();
    let mut payload = b"\x0A5.5.5-11.8.6-MariaDB\0\x01\0\0\0abcdefgh\0".to_vec();
    payload.extend([a, b, 45, 2, 0, c, d, 21]);
    payload.extend([0; 10]);
    payload.extend(b"ijklmnopqrst\0mysql_native_password\0");
    payload
}
