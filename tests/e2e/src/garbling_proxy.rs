//! A proxy before MariaDB that garbles packets of it.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use fastrand::Rng;

use crate::fake_database::packet;

/// The deadline of a read: longer than the service's own, and the end of connections that a test leaves behind.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// One packet in this number is garbled: one of the login, or one of some statements.
const GARBLED_RANGE: usize = 30;

/// A proxy on a free port of 127.0.0.1. The random numbers of a connection depend on the seed and on the connection's
/// number only.
pub struct GarblingProxy {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    target: u16,
    seed: u64,
    is_garbling: AtomicBool,
    is_ended: AtomicBool,
    connections: AtomicUsize,
    garbled: AtomicUsize,
}

impl GarblingProxy {
    /// A proxy to this port of 127.0.0.1.
    pub fn to_port(target: u16, seed: u64) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            target,
            seed,
            is_garbling: AtomicBool::new(true),
            is_ended: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            garbled: AtomicUsize::new(0),
        });
        let of_thread = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &of_thread));
        Self { port, shared }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Passes everything on from now on.
    pub fn stop_garbling(&self) {
        self.shared.is_garbling.store(false, Ordering::SeqCst);
    }

    /// The number of garbled packets.
    pub fn garbled(&self) -> usize {
        self.shared.garbled.load(Ordering::SeqCst)
    }
}

impl Drop for GarblingProxy {
    fn drop(&mut self) {
        self.shared.is_ended.store(true, Ordering::SeqCst);
        // Wakes the thread, which then ends.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        let number = shared.connections.fetch_add(1, Ordering::SeqCst);
        if shared.is_ended.load(Ordering::SeqCst) {
            return;
        }
        let (Ok(client), shared) = (client, Arc::clone(shared)) else { return };
        thread::spawn(move || {
            let mut random = Rng::with_seed(shared.seed ^ number as u64);
            // The connection ends with the first error.
            let _ = forward(client, &shared, &mut random);
        });
    }
}

/// Passes the packets of both sides on, and garbles some of the server's. Most connections end with the first of these.
fn forward(mut client: TcpStream, shared: &Shared, random: &mut Rng) -> io::Result<()> {
    let mut server = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, shared.target)))?;
    for stream in [&client, &server] {
        stream.set_read_timeout(Some(READ_TIMEOUT))?;
        stream.set_nodelay(true)?;
    }
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Both);
    });
    let mut garbled = random.usize(..GARBLED_RANGE);
    for number in 0.. {
        let (sequence, payload) = read_packet(&mut server)?;
        if number != garbled || !shared.is_garbling.load(Ordering::SeqCst) {
            client.write_all(&packet(sequence, &payload))?;
            continue;
        }
        garbled = number + 1 + random.usize(..GARBLED_RANGE);
        shared.garbled.fetch_add(1, Ordering::SeqCst);
        client.write_all(&garble(sequence, payload, random))?;
        if random.u8(..4) > 0 {
            break;
        }
    }
    client.shutdown(Shutdown::Both)
}

fn read_packet(stream: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let mut header = [0; 4];
    stream.read_exact(&mut header)?;
    let [a, b, c, sequence] = header;
    let mut payload = vec![0; usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16];
    stream.read_exact(&mut payload)?;
    Ok((sequence, payload))
}

/// The bytes in place of a packet.
fn garble(sequence: u8, mut payload: Vec<u8>, random: &mut Rng) -> Vec<u8> {
    let well_framed = |payload: &[u8]| packet(sequence, payload);
    match random.u8(..16) {
        0 => well_framed(&[]),
        1 => well_framed(&payload[..random.usize(..=payload.len())]),
        2 => {
            payload.extend((0..random.usize(1..100)).map(|_| random.u8(..)));
            well_framed(&payload)
        }
        3..=5 => {
            for _ in 0..random.usize(1..5) {
                let position = random.usize(..payload.len().max(1));
                if let Some(byte) = payload.get_mut(position) {
                    *byte =
                        random.choice([0, 1, 0x7F, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF, random.clone().u8(..)]).unwrap_or(0);
                }
            }
            well_framed(&payload)
        }
        6 => well_framed(&(0..random.usize(..300)).map(|_| random.u8(..)).collect::<Vec<_>>()),
        7 => well_framed(SPECIAL[random.usize(..SPECIAL.len())]),
        8 => [well_framed(&payload), packet(sequence.wrapping_add(1), &payload)].concat(),
        9 => packet(random.u8(..), &payload),
        10 => {
            // The header has another length.
            let mut bytes = well_framed(&payload);
            bytes[random.usize(..3)] = random.u8(..);
            bytes
        }
        11 => vec![0xFF; 3],
        12 => (0..random.usize(1..5_000)).map(|_| random.u8(..)).collect(),
        13 => [well_framed(&[]), packet(sequence.wrapping_add(1), &payload)].concat(),
        14 => (0..=255_u8).flat_map(|step| packet(sequence.wrapping_add(step), &payload)).collect(),
        _ => Vec::new(),
    }
}

/// Packets that mean something, sent where they may not be.
const SPECIAL: [&[u8]; 16] = [
    b"\xFF\x15\x04",
    b"\xFF\x15\x04#2800",
    b"\xFF\xFF\xFF\x01\x01\x01\x00\x00\x00\x01a",
    b"\xFB/etc/passwd",
    b"\xFE",
    b"\xFEmysql_clear_password\0",
    b"\xFEmysql_old_password\0",
    b"\xFEcaching_sha2_password\0",
    b"\xFEmysql_native_password\0abcdefghijklmnopqrst\0",
    b"\x01\x03",
    b"\x01\x04",
    b"\x01-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    b"\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
    b"\xFD\xFF\xFF\xFF",
    b"\0\0\0\x0A\0\0\0",
    b"\x0A\xD9\xA5.\xD9\xA5.\xD9\xA5-MariaDB\0\x01\0\0\0abcdefgh\0\xFE\xF7\x2D\x02\0\xFF\x81\x15\0\0\0\0\0\0\0\0\0\0\
      ijklmnopqrst\0mysql_native_password\0",
];
