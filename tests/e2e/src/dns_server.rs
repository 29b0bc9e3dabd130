//! Name servers of a test's own (RFC 1035): they know one name, and note what they are asked.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// For a test that has failed meanwhile.
const BOUND: Duration = Duration::from_secs(100);

/// How often the end is looked for.
const STEP: Duration = Duration::from_millis(20);

/// What a server does with a question.
#[derive(Clone, Copy, Debug)]
pub enum Manner {
    /// It says 127.0.0.1 for this name and "no such name" for all others.
    Knows(&'static str),
    /// It says nothing.
    Silent,
    /// Over TCP: it sends a byte five times a second, of an answer that is promised to be long.
    Trickling,
}

/// A running name server; ends when dropped.
pub struct NameServer {
    stop: Arc<AtomicBool>,
    asked: Asked,
    thread: Option<JoinHandle<()>>,
}

/// The names that were asked for, with the type of the question and, over TCP, how long the client stayed.
type Asked = Arc<Mutex<Vec<(String, u8, Duration)>>>;

/// The type of a question for an IPv4 address.
const A: u8 = 1;

impl NameServer {
    /// Listens there for datagrams.
    pub fn udp(address: &str, manner: Manner) -> Self {
        let socket = UdpSocket::bind(address).expect("a port of this test's own network");
        socket.set_read_timeout(Some(STEP)).expect("a timeout");
        Self::start(move |asked| {
            let mut message = [0; 512];
            let Ok((length, client)) = socket.recv_from(&mut message) else { return };
            let question = &message[..length];
            note(asked, question, Duration::ZERO);
            if let Some(answer) = answer(question, manner) {
                socket.send_to(&answer, client).expect("it is sent");
            }
        })
    }

    /// Listens for connections, one after another; also gives its address.
    pub fn tcp(manner: Manner) -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("it is");
        let address = listener.local_addr().expect("an address").to_string();
        let server = Self::start(move |asked| match listener.accept() {
            Ok((stream, _)) => serve(stream, manner, asked),
            Err(_) => thread::sleep(STEP),
        });
        (server, address)
    }

    fn start(mut turn: impl FnMut(&Asked) + Send + 'static) -> Self {
        let (stop, asked) = (Arc::new(AtomicBool::new(false)), Asked::default());
        let (stopped, noted, began) = (Arc::clone(&stop), Arc::clone(&asked), Instant::now());
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) && began.elapsed() < BOUND {
                turn(&noted);
            }
        });
        Self { stop, asked, thread: Some(thread) }
    }

    /// The names that IPv4 addresses were asked for, in order.
    pub fn names(&self) -> Vec<String> {
        let asked = self.asked.lock().expect("the list");
        asked.iter().filter(|(_, kind, _)| *kind == A).map(|(name, ..)| name.clone()).collect()
    }

    /// How long each client stayed.
    pub fn stays(&self) -> Vec<Duration> {
        self.asked.lock().expect("the list").iter().map(|(_, _, stayed)| *stayed).collect()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Serves one connection until its client ends it.
fn serve(mut stream: TcpStream, manner: Manner, asked: &Asked) {
    let began = Instant::now();
    stream.set_nonblocking(false).expect("it is");
    stream.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout");
    let (mut question, mut bytes) = (Vec::new(), [0; 512]);
    while began.elapsed() < BOUND {
        match stream.read(&mut bytes) {
            Ok(0) => break,
            Ok(read) => {
                question.extend_from_slice(&bytes[..read]);
                // The length of the message is in front.
                let whole = question.get(2..).filter(|message| question[..2] == (message.len() as u16).to_be_bytes());
                if let Some(answer) = whole.and_then(|message| answer(message, manner)) {
                    let framed = [(answer.len() as u16).to_be_bytes().as_slice(), &answer].concat();
                    stream.write_all(&framed).expect("it is sent");
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                if matches!(manner, Manner::Trickling) && stream.write_all(&[1]).is_err() {
                    break;
                }
            }
            Err(_) => break,
        }
    }
    note(asked, question.get(2..).unwrap_or_default(), began.elapsed());
}

/// Notes a question.
fn note(asked: &Asked, question: &[u8], stayed: Duration) {
    let (name, kind) = read(question);
    asked.lock().expect("the list").push((name, kind, stayed));
}

/// The name and the type of a question, which begins after a head of twelve bytes.
fn read(question: &[u8]) -> (String, u8) {
    let (mut labels, mut at) = (Vec::new(), 12);
    while let Some(length) = question.get(at).copied().map(usize::from).filter(|length| *length > 0) {
        labels.push(String::from_utf8_lossy(question.get(at + 1..=at + length).unwrap_or_default()).into_owned());
        at += 1 + length;
    }
    (labels.join("."), question.get(at + 2).copied().unwrap_or_default())
}

/// What is said to a question, if anything.
fn answer(question: &[u8], manner: Manner) -> Option<Vec<u8>> {
    let Manner::Knows(known) = manner else { return None };
    let (name, kind) = read(question);
    // The question without what may follow it, as an answer; recursion asked for and there.
    let end = 12 + name.len() + 2 + 4;
    let mut answer = question.get(..end)?.to_vec();
    let code = if name == known { 0 } else { 3 };
    answer[2..4].copy_from_slice(&[0x81, 0x80 | code]);
    answer[6..12].fill(0);
    if name == known && kind == A {
        answer[7] = 1;
        // The question's name, an IPv4 address of the internet, good for no time, in four bytes.
        answer.extend([0xc0, 12, 0, A, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1]);
    }
    Some(answer)
}
