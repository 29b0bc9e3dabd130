//! Each fault against a server that says back what it hears.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::*;

/// A proxy to an echo server, and how many bytes that server has heard.
fn echo() -> Result<(FaultProxy, Arc<AtomicUsize>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let proxy = FaultProxy::to(listener.local_addr()?)?;
    let heard = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&heard);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let counter = Arc::clone(&counter);
            thread::spawn(move || say_back(stream, &counter));
        }
    });
    Ok((proxy, heard))
}

fn say_back(mut stream: TcpStream, heard: &AtomicUsize) {
    let mut buffer = [0; 1024];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        heard.fetch_add(length, Ordering::SeqCst);
        let _ = stream.write_all(buffer.get(..length).unwrap_or_default());
    }
}

fn client(proxy: &FaultProxy) -> Result<TcpStream> {
    let stream = TcpStream::connect(proxy.addr())?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    Ok(stream)
}

/// Says `words` and reads what comes back: the words, fewer, or the error.
fn say(mut stream: &TcpStream, words: &[u8]) -> Result<Vec<u8>, ErrorKind> {
    stream.write_all(words).map_err(|error| error.kind())?;
    let mut reply = vec![0; words.len()];
    let mut length = 0;
    while length < words.len() {
        match stream.read(reply.get_mut(length..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) => return Err(error.kind()),
        }
    }
    reply.truncate(length);
    Ok(reply)
}

#[test]
fn passing_on_and_counting() -> Result<()> {
    let (proxy, _) = echo()?;
    assert_eq!(say(&client(&proxy)?, b"hello"), Ok(b"hello".to_vec()));
    assert_eq!((proxy.accepted(), proxy.fired()), (1, 0));
    Ok(())
}

#[test]
fn refusing_and_listening_again_on_the_same_port() -> Result<()> {
    let (proxy, _) = echo()?;
    proxy.set(Fault::Refuse)?;
    assert_eq!(
        TcpStream::connect(proxy.addr()).map(drop).map_err(|error| error.kind()),
        Err(ErrorKind::ConnectionRefused)
    );
    proxy.set(Fault::Pass)?;
    assert_eq!(say(&client(&proxy)?, b"hello"), Ok(b"hello".to_vec()));
    Ok(())
}

#[test]
fn resetting_new_connections_and_dropping_open_ones() -> Result<()> {
    let (proxy, _) = echo()?;
    let open = client(&proxy)?;
    assert_eq!(say(&open, b"a"), Ok(b"a".to_vec()));
    proxy.set(Fault::Reset)?;
    assert!(say(&client(&proxy)?, b"hello").is_err());
    assert_eq!(say(&open, b"b"), Ok(b"b".to_vec()));
    proxy.drop_connections();
    assert_eq!(say(&open, b"c"), Err(ErrorKind::ConnectionReset));
    Ok(())
}

#[test]
fn a_black_hole_holds_back_and_gives_back() -> Result<()> {
    let (proxy, heard) = echo()?;
    let mut open = client(&proxy)?;
    assert_eq!(say(&open, b"a"), Ok(b"a".to_vec()));
    proxy.set(Fault::BlackHole)?;
    assert_eq!(say(&open, b"b"), Err(ErrorKind::WouldBlock));
    assert_eq!(heard.load(Ordering::SeqCst), 1);
    proxy.set(Fault::Pass)?;
    let mut late = [0];
    open.read_exact(&mut late)?;
    assert_eq!(&late, b"b");
    Ok(())
}

#[test]
fn delays_and_throttles_take_their_time() -> Result<()> {
    let (proxy, _) = echo()?;
    let open = client(&proxy)?;
    let (to_server, to_client) = (Duration::from_millis(40), Duration::from_millis(60));
    proxy.set(Fault::Delay { to_server, to_client })?;
    let start = Instant::now();
    assert_eq!(say(&open, b"a"), Ok(b"a".to_vec()));
    assert!(start.elapsed() >= to_server + to_client);
    proxy.set(Fault::Throttle { bytes_per_second: 1000 })?;
    let start = Instant::now();
    assert_eq!(say(&open, &[7; 100]), Ok(vec![7; 100]));
    assert!(start.elapsed() >= Duration::from_millis(100));
    Ok(())
}

#[test]
fn cutting_after_so_many_bytes_once() -> Result<()> {
    let (proxy, _) = echo()?;
    proxy.set_once(Fault::cut_after(Direction::ToClient, 3, Then::Close))?;
    assert_eq!(say(&client(&proxy)?, b"hello"), Ok(b"hel".to_vec()));
    assert_eq!(say(&client(&proxy)?, b"hello"), Ok(b"hello".to_vec()));
    assert_eq!(proxy.fired(), 1);
    Ok(())
}

#[test]
fn a_pattern_is_cut_before_the_server_hears_it() -> Result<()> {
    let (proxy, heard) = echo()?;
    let open = client(&proxy)?;
    proxy.set(Fault::on("COMMIT", When::Before, Then::Reset))?;
    assert_eq!(say(&open, b"..COM"), Ok(b"..COM".to_vec()));
    assert_eq!(say(&open, b"MIT.."), Err(ErrorKind::ConnectionReset));
    assert_eq!((heard.load(Ordering::SeqCst), proxy.fired()), (5, 1));
    Ok(())
}

#[test]
fn a_pattern_is_cut_after_the_server_has_answered_it() -> Result<()> {
    let (proxy, heard) = echo()?;
    for (then, seen) in [(Then::Close, Ok(Vec::new())), (Then::BlackHole, Err(ErrorKind::WouldBlock))] {
        heard.store(0, Ordering::SeqCst);
        proxy.set_once(Fault::on("COMMIT", When::After, then))?;
        assert_eq!(say(&client(&proxy)?, b"COMMIT"), seen);
        assert_eq!(heard.load(Ordering::SeqCst), 6);
    }
    Ok(())
}
