//! Each fault against an echo server.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::*;

/// A proxy to an echo server, and the number of bytes that the server has received.
fn echo_server() -> Result<(FaultProxy, Arc<AtomicUsize>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let proxy = FaultProxy::to(listener.local_addr()?)?;
    let received = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&received);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let counter = Arc::clone(&counter);
            thread::spawn(move || echo(stream, &counter));
        }
    });
    Ok((proxy, received))
}

fn echo(mut stream: TcpStream, received: &AtomicUsize) {
    let mut buffer = [0; 1024];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        received.fetch_add(length, Ordering::SeqCst);
        let _ = stream.write_all(buffer.get(..length).unwrap_or_default());
    }
}

fn client(proxy: &FaultProxy) -> Result<TcpStream> {
    let stream = TcpStream::connect(proxy.addr())?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    Ok(stream)
}

/// Sends `bytes` and reads the response: the same bytes, fewer of them, or the error.
fn exchange(mut stream: &TcpStream, bytes: &[u8]) -> Result<Vec<u8>, ErrorKind> {
    stream.write_all(bytes).map_err(|error| error.kind())?;
    let mut response = vec![0; bytes.len()];
    let mut length = 0;
    while length < bytes.len() {
        match stream.read(response.get_mut(length..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) => return Err(error.kind()),
        }
    }
    response.truncate(length);
    Ok(response)
}

#[test]
fn bytes_are_forwarded_and_connections_counted() -> Result<()> {
    let (proxy, _) = echo_server()?;
    assert_eq!(exchange(&client(&proxy)?, b"hello"), Ok(b"hello".to_vec()));
    assert_eq!((proxy.accepted(), proxy.triggered()), (1, 0));
    Ok(())
}

#[test]
fn after_refusing_the_proxy_listens_on_the_same_port_again() -> Result<()> {
    let (proxy, _) = echo_server()?;
    proxy.set(Fault::Refuse)?;
    assert_eq!(
        TcpStream::connect(proxy.addr()).map(drop).map_err(|error| error.kind()),
        Err(ErrorKind::ConnectionRefused)
    );
    proxy.set(Fault::Pass)?;
    assert_eq!(exchange(&client(&proxy)?, b"hello"), Ok(b"hello".to_vec()));
    Ok(())
}

#[test]
fn new_connections_are_reset_and_open_ones_dropped_on_request() -> Result<()> {
    let (proxy, _) = echo_server()?;
    let open = client(&proxy)?;
    assert_eq!(exchange(&open, b"a"), Ok(b"a".to_vec()));
    proxy.set(Fault::Reset)?;
    assert!(exchange(&client(&proxy)?, b"hello").is_err());
    assert_eq!(exchange(&open, b"b"), Ok(b"b".to_vec()));
    proxy.drop_connections();
    assert_eq!(exchange(&open, b"c"), Err(ErrorKind::ConnectionReset));
    Ok(())
}

#[test]
fn a_black_hole_forwards_its_bytes_once_it_ends() -> Result<()> {
    let (proxy, received) = echo_server()?;
    let mut open = client(&proxy)?;
    assert_eq!(exchange(&open, b"a"), Ok(b"a".to_vec()));
    proxy.set(Fault::BlackHole)?;
    assert_eq!(exchange(&open, b"b"), Err(ErrorKind::WouldBlock));
    assert_eq!(received.load(Ordering::SeqCst), 1);
    proxy.set(Fault::Pass)?;
    let mut late = [0];
    open.read_exact(&mut late)?;
    assert_eq!(&late, b"b");
    Ok(())
}

#[test]
fn delays_and_rate_limits_slow_the_connection_down() -> Result<()> {
    let (proxy, _) = echo_server()?;
    let open = client(&proxy)?;
    let (to_server, to_client) = (Duration::from_millis(40), Duration::from_millis(60));
    proxy.set(Fault::Delay { to_server, to_client })?;
    let start = Instant::now();
    assert_eq!(exchange(&open, b"a"), Ok(b"a".to_vec()));
    assert!(start.elapsed() >= to_server + to_client);
    proxy.set(Fault::Throttle { bytes_per_second: 1000 })?;
    let start = Instant::now();
    assert_eq!(exchange(&open, &[7; 100]), Ok(vec![7; 100]));
    assert!(start.elapsed() >= Duration::from_millis(100));
    Ok(())
}

#[test]
fn one_connection_is_cut_after_a_number_of_bytes() -> Result<()> {
    let (proxy, _) = echo_server()?;
    proxy.set_once(Fault::cut_after(Direction::ToClient, 3, Action::Close))?;
    assert_eq!(exchange(&client(&proxy)?, b"hello"), Ok(b"hel".to_vec()));
    assert_eq!(exchange(&client(&proxy)?, b"hello"), Ok(b"hello".to_vec()));
    assert_eq!(proxy.triggered(), 1);
    Ok(())
}

#[test]
fn a_connection_ends_before_the_server_receives_the_pattern() -> Result<()> {
    let (proxy, received) = echo_server()?;
    let open = client(&proxy)?;
    proxy.set(Fault::on_pattern("COMMIT", Timing::BeforeServer, Action::Reset))?;
    assert_eq!(exchange(&open, b"..COM"), Ok(b"..COM".to_vec()));
    assert_eq!(exchange(&open, b"MIT.."), Err(ErrorKind::ConnectionReset));
    assert_eq!((received.load(Ordering::SeqCst), proxy.triggered()), (5, 1));
    Ok(())
}

#[test]
fn a_connection_ends_after_the_server_has_responded_to_the_pattern() -> Result<()> {
    let (proxy, received) = echo_server()?;
    for (action, expected) in [(Action::Close, Ok(Vec::new())), (Action::BlackHole, Err(ErrorKind::WouldBlock))] {
        received.store(0, Ordering::SeqCst);
        proxy.set_once(Fault::on_pattern("COMMIT", Timing::AfterResponse, action))?;
        assert_eq!(exchange(&client(&proxy)?, b"COMMIT"), expected);
        assert_eq!(received.load(Ordering::SeqCst), 6);
    }
    Ok(())
}

#[test]
fn a_held_response_is_forwarded_once_the_fault_changes() -> Result<()> {
    let (proxy, received) = echo_server()?;
    let mut open = client(&proxy)?;
    proxy.set(Fault::on_pattern("COMMIT", Timing::AfterResponse, Action::Hold))?;
    assert_eq!(exchange(&open, b"COMMIT"), Err(ErrorKind::WouldBlock));
    assert_eq!((received.load(Ordering::SeqCst), proxy.triggered()), (6, 1));
    proxy.set(Fault::Pass)?;
    let mut late = [0; 6];
    open.read_exact(&mut late)?;
    assert_eq!(&late, b"COMMIT");
    Ok(())
}

#[test]
fn a_held_request_is_forwarded_once_the_fault_changes() -> Result<()> {
    let (proxy, received) = echo_server()?;
    let mut open = client(&proxy)?;
    proxy.set(Fault::on_pattern("COMMIT", Timing::BeforeServer, Action::Hold))?;
    assert_eq!(exchange(&open, b"COMMIT"), Err(ErrorKind::WouldBlock));
    assert_eq!((received.load(Ordering::SeqCst), proxy.triggered()), (0, 1));
    proxy.set(Fault::Pass)?;
    let mut late = [0; 6];
    open.read_exact(&mut late)?;
    assert_eq!(&late, b"COMMIT");
    Ok(())
}
