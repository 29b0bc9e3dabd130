//! DNS servers for tests (RFC 1035). They resolve one name and record the queries.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Ends a server whose test has failed.
const MAX_LIFETIME: Duration = Duration::from_secs(100);

/// The interval between two checks for the end.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// How a server responds to queries.
#[derive(Clone, Copy, Debug)]
pub enum Behavior {
    /// Resolves this name to 127.0.0.1; every other name does not exist.
    Resolves(&'static str),
    /// Sends no response.
    Silent,
    /// Over TCP: announces a long response and sends five bytes of it per second.
    SendsSlowly,
}

/// A running DNS server, ended on drop.
pub struct DnsServer {
    stop: Arc<AtomicBool>,
    log: QueryLog,
    thread: Option<JoinHandle<()>>,
}

/// The queries: the name, the type and, over TCP, how long the client kept the connection.
type QueryLog = Arc<Mutex<Vec<(String, u8, Duration)>>>;

/// The query type for an IPv4 address.
const TYPE_A: u8 = 1;

impl DnsServer {
    /// Starts a server on a UDP address.
    pub fn udp(address: &str, behavior: Behavior) -> Self {
        let socket = UdpSocket::bind(address).expect("a port of this test's own network");
        socket.set_read_timeout(Some(POLL_INTERVAL)).expect("a timeout");
        Self::start(move |log| {
            let mut message = [0; 512];
            let Ok((length, client)) = socket.recv_from(&mut message) else { return };
            let query = &message[..length];
            record(log, query, Duration::ZERO);
            if let Some(response) = response(query, behavior) {
                socket.send_to(&response, client).expect("a sent response");
            }
        })
    }

    /// Starts a server on a free TCP port. Returns its address, too.
    pub fn tcp(behavior: Behavior) -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a blocking mode");
        let address = listener.local_addr().expect("an address").to_string();
        let server = Self::start(move |log| match listener.accept() {
            Ok((stream, _)) => serve(stream, behavior, log),
            Err(_) => thread::sleep(POLL_INTERVAL),
        });
        (server, address)
    }

    fn start(mut handle_next: impl FnMut(&QueryLog) + Send + 'static) -> Self {
        let (stop, log) = (Arc::new(AtomicBool::new(false)), QueryLog::default());
        let (thread_stop, thread_log, started) = (Arc::clone(&stop), Arc::clone(&log), Instant::now());
        let thread = thread::spawn(move || {
            while !thread_stop.load(Ordering::Relaxed) && started.elapsed() < MAX_LIFETIME {
                handle_next(&thread_log);
            }
        });
        Self { stop, log, thread: Some(thread) }
    }

    /// The names of the queries for IPv4 addresses, in order.
    pub fn names(&self) -> Vec<String> {
        let log = self.log.lock().expect("the log");
        log.iter().filter(|(_, query_type, _)| *query_type == TYPE_A).map(|(name, ..)| name.clone()).collect()
    }

    /// How long each client kept its connection.
    pub fn connection_durations(&self) -> Vec<Duration> {
        self.log.lock().expect("the log").iter().map(|(_, _, duration)| *duration).collect()
    }
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Serves one connection until its client closes it.
fn serve(mut stream: TcpStream, behavior: Behavior, log: &QueryLog) {
    let started = Instant::now();
    stream.set_nonblocking(false).expect("a blocking mode");
    stream.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout");
    let (mut query, mut bytes) = (Vec::new(), [0; 512]);
    while started.elapsed() < MAX_LIFETIME {
        match stream.read(&mut bytes) {
            Ok(0) => break,
            Ok(count) => {
                query.extend_from_slice(&bytes[..count]);
                // The message follows its length.
                let message = query.get(2..).filter(|message| query[..2] == (message.len() as u16).to_be_bytes());
                if let Some(response) = message.and_then(|message| response(message, behavior)) {
                    let framed = [(response.len() as u16).to_be_bytes().as_slice(), &response].concat();
                    stream.write_all(&framed).expect("a sent response");
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                if matches!(behavior, Behavior::SendsSlowly) && stream.write_all(&[1]).is_err() {
                    break;
                }
            }
            Err(_) => break,
        }
    }
    record(log, query.get(2..).unwrap_or_default(), started.elapsed());
}

/// Records a query.
fn record(log: &QueryLog, query: &[u8], duration: Duration) {
    let (name, query_type) = parse(query);
    log.lock().expect("the log").push((name, query_type, duration));
}

/// The name and the type of a query, after its header of twelve bytes.
fn parse(query: &[u8]) -> (String, u8) {
    let (mut labels, mut at) = (Vec::new(), 12);
    while let Some(length) = query.get(at).copied().map(usize::from).filter(|length| *length > 0) {
        labels.push(String::from_utf8_lossy(query.get(at + 1..=at + length).unwrap_or_default()).into_owned());
        at += 1 + length;
    }
    (labels.join("."), query.get(at + 2).copied().unwrap_or_default())
}

/// The response to a query, if there is one.
fn response(query: &[u8], behavior: Behavior) -> Option<Vec<u8>> {
    let Behavior::Resolves(known) = behavior else { return None };
    let (name, query_type) = parse(query);
    // The header and the query of the query, marked as a response with recursion available.
    let end = 12 + name.len() + 2 + 4;
    let mut response = query.get(..end)?.to_vec();
    let code = if name == known { 0 } else { 3 };
    response[2..4].copy_from_slice(&[0x81, 0x80 | code]);
    response[6..12].fill(0);
    if name == known && query_type == TYPE_A {
        response[7] = 1;
        // A pointer to the queried name, type A, class IN, a TTL of zero, four bytes of address.
        response.extend([0xc0, 12, 0, TYPE_A, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1]);
    }
    Some(response)
}
