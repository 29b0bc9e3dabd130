//! Requests from inside the cluster's network, one after another on keep-alive connections, each counted.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use testkit::sandbox::NetworkNamespace;

/// How long a client waits for anything.
const PATIENCE: Duration = Duration::from_secs(15);

/// Clients that write an order and read it back, over and over, until they are told to end.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    clients: Vec<JoinHandle<Outcome>>,
}

/// What the clients saw.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Requests answered as they should be.
    pub answered: u64,
    /// What went wrong, each in a few words.
    pub failures: Vec<String>,
    /// The ids of all orders whose writing was acknowledged.
    pub acknowledged: Vec<u32>,
}

impl Load {
    /// Starts `clients` of them against `address`; their orders have ids from `first_id` on, up to a million for each.
    #[must_use]
    pub fn start(network: &NetworkNamespace, address: SocketAddr, clients: u32, first_id: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicU64::new(0));
        let start = |client: u32| {
            let (network, stop, answered) = (network.clone(), Arc::clone(&stop), Arc::clone(&answered));
            thread::spawn(move || work(&network, address, first_id + client * 1_000_000, &stop, &answered))
        };
        Self { clients: (0..clients).map(start).collect(), stop, answered }
    }

    /// Requests answered so far.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Lets each client end its request and sums up.
    #[must_use]
    pub fn finish(self) -> Outcome {
        self.stop.store(true, Ordering::Relaxed);
        let mut sum = Outcome::default();
        for client in self.clients {
            let outcome = client.join().unwrap_or_else(|_| failed("a client panicked".into()));
            sum.answered += outcome.answered;
            sum.failures.extend(outcome.failures);
            sum.acknowledged.extend(outcome.acknowledged);
        }
        sum
    }
}

fn failed(why: String) -> Outcome {
    Outcome { failures: vec![why], ..Outcome::default() }
}

fn work(
    network: &NetworkNamespace,
    address: SocketAddr,
    first_id: u32,
    stop: &AtomicBool,
    answered: &AtomicU64,
) -> Outcome {
    if let Err(error) = network.enter() {
        return failed(format!("{error:#}"));
    }
    let mut client = Client::new(address);
    let mut outcome = Outcome::default();
    for id in first_id.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        match write_and_read(&mut client, id, &mut outcome) {
            Ok(()) => {
                answered.fetch_add(2, Ordering::Relaxed);
            }
            Err(error) => {
                outcome.failures.push(format!("order {id}: {error:#}"));
                // A service that is away is not to be asked a thousand times a second.
                thread::sleep(Duration::from_millis(50));
            }
        }
    }
    outcome
}

fn write_and_read(client: &mut Client, id: u32, outcome: &mut Outcome) -> Result<()> {
    let order = format!(
        r#"{{"order_id":{id},"product_id":1,"quantity":1,"amount":1.50,"shipping":0,"tax":0.10,"shipping_address":"Load"}}"#
    );
    client.request("POST", "/orders", &order)?.expect_status(201)?;
    outcome.acknowledged.push(id);
    outcome.answered += 1;
    client.request("GET", &format!("/orders/{id}"), "")?.expect_status(200)?;
    outcome.answered += 1;
    Ok(())
}

/// A client with one connection at a time, kept as long as the server keeps it. Nothing is ever asked twice.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    connection: Option<BufReader<TcpStream>>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: String,
}

impl Answer {
    fn expect_status(self, status: u16) -> Result<Self> {
        if self.status != status {
            bail!("{} instead of {status}: {}", self.status, self.body);
        }
        Ok(self)
    }
}

impl Client {
    /// One that has not connected yet; it does from the network of the thread that asks.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self { address, connection: None }
    }

    /// Sends a request, with a JSON body unless that is empty, and receives the answer.
    ///
    /// # Errors
    /// When the connection is refused, lost or silent, or the answer is not HTTP.
    pub fn request(&mut self, method: &str, path: &str, body: &str) -> Result<Answer> {
        // Taken, and given back only when all went well and the server keeps it.
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: order-service\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        connection.get_mut().write_all(format!("{head}{body}").as_bytes()).context("sending")?;
        let (answer, kept) = receive(&mut connection)?;
        if kept {
            self.connection = Some(connection);
        }
        Ok(answer)
    }

    fn connect(&self) -> Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect_timeout(&self.address, PATIENCE).context("connecting")?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(BufReader::new(stream))
    }
}

/// One answer, and whether the connection stays.
fn receive(from: &mut impl BufRead) -> Result<(Answer, bool)> {
    let line = read_line(from).context("receiving")?;
    let status = line.split_whitespace().nth(1).and_then(|code| code.parse().ok());
    let status = status.with_context(|| format!("not an answer: {line:?}"))?;
    let (mut length, mut chunked, mut kept) = (0, false, true);
    loop {
        let line = read_line(from).context("receiving the head")?;
        let Some((name, value)) = line.split_once(':') else { break };
        match (name.to_ascii_lowercase().as_str(), value.trim().to_ascii_lowercase().as_str()) {
            ("content-length", value) => length = value.parse()?,
            ("transfer-encoding", "chunked") => chunked = true,
            ("connection", "close") => kept = false,
            _ => {}
        }
    }
    let body = if chunked { read_chunks(from)? } else { read_exactly(from, length)? };
    Ok((Answer { status, body: String::from_utf8_lossy(&body).into_owned() }, kept))
}

/// A line without its end.
fn read_line(from: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        bail!("the connection was closed");
    }
    Ok(line.trim_end().to_owned())
}

fn read_exactly(from: &mut impl Read, length: usize) -> Result<Vec<u8>> {
    let mut body = vec![0; length];
    from.read_exact(&mut body).context("receiving the body")?;
    Ok(body)
}

fn read_chunks(from: &mut impl BufRead) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = usize::from_str_radix(&read_line(from)?, 16).context("not a chunk's size")?;
        body.extend(read_exactly(from, size)?);
        read_line(from)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_by_length_and_by_chunks() -> Result<()> {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 503 x\r\nConnection: close\r\n\
                    Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n";
        let mut from = text.as_bytes();
        let (first, kept) = receive(&mut from)?;
        assert_eq!((first.status, first.body.as_str(), kept), (200, "ab", true));
        let (second, kept) = receive(&mut from)?;
        assert_eq!((second.status, second.body.as_str(), kept), (503, "abcd", false));
        assert!(receive(&mut from).is_err());
        Ok(())
    }
}
