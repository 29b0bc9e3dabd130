//! Checks of the module `poll`.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant, SystemTime};

use wasmedge_wasi_socket::TcpStream;
use wasmedge_wasi_socket::poll::{EventType, Subscription, poll};
use wasmedge_wasi_socket::socket::{AddressFamily, Socket, SocketType};

use super::{Check, checks, error_of, listen, pair, refusing, same};

checks!(
    a_wait_for_a_time_ends_at_that_time,
    a_wait_for_a_time_in_the_past_ends_at_once,
    a_wait_for_a_silent_descriptor_ends_at_its_timeout,
    writability_is_reported_by_every_wait,
    both_directions_are_reported_in_one_wait,
    the_end_of_a_stream_is_readable,
    a_listener_with_a_connection_is_readable,
    a_non_blocking_connect_is_writable_when_it_is_done,
    a_non_blocking_connect_that_is_refused_has_an_error,
    a_closed_descriptor_fails_alone,
    of_forty_connections_the_one_with_input_is_reported,
    a_reused_descriptor_starts_with_no_state,
);

/// The type of an event without its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Timeout,
    Error,
    Read,
    Write,
}

/// A time that is this number of milliseconds from now.
pub(super) fn after(milliseconds: u64) -> SystemTime {
    SystemTime::now() + Duration::from_millis(milliseconds)
}

/// The events of one wait.
pub(super) fn seen(subscriptions: &[Subscription]) -> std::io::Result<Vec<(u64, Seen)>> {
    let kind = |event: &EventType| match event {
        EventType::Timeout => Seen::Timeout,
        EventType::Error(_) => Seen::Error,
        EventType::Read => Seen::Read,
        EventType::Write => Seen::Write,
    };
    Ok(poll(subscriptions)?.iter().map(|event| (event.userdata, kind(&event.event_type))).collect())
}

/// A subscription for reading with a timeout in milliseconds.
fn reading(name: u64, stream: &TcpStream, milliseconds: u64) -> Subscription {
    Subscription::io(name, stream, true, false, Some(after(milliseconds)))
}

fn a_wait_for_a_time_ends_at_that_time() -> Check {
    let began = Instant::now();
    same(seen(&[Subscription::timeout(7, after(60))])?, vec![(7, Seen::Timeout)])?;
    let took = began.elapsed().as_millis();
    if (59..3_000).contains(&took) { Ok(()) } else { Err(format!("after {took} ms").into()) }
}

fn a_wait_for_a_time_in_the_past_ends_at_once() -> Check {
    for moment in [SystemTime::UNIX_EPOCH, SystemTime::now() - Duration::from_secs(1)] {
        let later = Subscription::timeout(2, after(4_000));
        same(seen(&[Subscription::timeout(1, moment), later])?, vec![(1, Seen::Timeout)])?;
    }
    Ok(())
}

fn a_wait_for_a_silent_descriptor_ends_at_its_timeout() -> Check {
    let (mut one, other) = pair()?;
    same(seen(&[reading(8, &other, 40)])?, vec![(8, Seen::Timeout)])?;
    one.write_all(b"x")?;
    same(seen(&[reading(8, &other, 5_000)])?, vec![(8, Seen::Read)])
}

fn writability_is_reported_by_every_wait() -> Check {
    let (one, _other) = pair()?;
    for _ in 0..3 {
        let writing = Subscription::io(3, &one, false, true, Some(after(5_000)));
        same(seen(&[writing])?, vec![(3, Seen::Write)])?;
    }
    Ok(())
}

fn both_directions_are_reported_in_one_wait() -> Check {
    let (one, mut other) = pair()?;
    other.write_all(b"x")?;
    // The input has arrived before the wait begins.
    same(seen(&[reading(1, &one, 5_000)])?, vec![(1, Seen::Read)])?;
    let mut found = seen(&[Subscription::io(4, &one, true, true, None)])?;
    found.sort_by_key(|(_, kind)| *kind == Seen::Write);
    same(found, vec![(4, Seen::Read), (4, Seen::Write)])
}

fn the_end_of_a_stream_is_readable() -> Check {
    let (one, mut other) = pair()?;
    drop(one);
    same(seen(&[reading(5, &other, 5_000)])?, vec![(5, Seen::Read)])?;
    same(other.read(&mut [0; 8])?, 0)
}

fn a_listener_with_a_connection_is_readable() -> Check {
    let (listener, address) = listen()?;
    let waiting = |bound| Subscription::io(6, &listener, true, false, Some(after(bound)));
    same(seen(&[waiting(30)])?, vec![(6, Seen::Timeout)])?;
    let _client = TcpStream::connect(address)?;
    same(seen(&[waiting(5_000)])?, vec![(6, Seen::Read)])
}

/// A non-blocking connect, after the wait for its result.
fn connected(to: wasmedge_wasi_socket::SocketAddr) -> Result<Socket, Box<dyn std::error::Error>> {
    let socket = Socket::new(AddressFamily::Inet4, SocketType::Stream)?;
    socket.set_nonblocking(true)?;
    // On loopback it may be done at once. Otherwise the error is 26, in progress.
    if let Err(error) = socket.connect(&to) {
        same(error.raw_os_error(), Some(26))?;
    }
    let found = seen(&[Subscription::io(9, &socket, false, true, Some(after(5_000)))])?;
    same((found.len(), found.contains(&(9, Seen::Timeout))), (1, false))?;
    Ok(socket)
}

fn a_non_blocking_connect_is_writable_when_it_is_done() -> Check {
    let (_listener, address) = listen()?;
    let socket = connected(address)?;
    socket.take_error()?;
    same(socket.get_peer()?, address)
}

fn a_non_blocking_connect_that_is_refused_has_an_error() -> Check {
    same(error_of(connected(refusing()?)?.take_error())?, ErrorKind::ConnectionRefused)
}

fn a_closed_descriptor_fails_alone() -> Check {
    let (mut one, other) = pair()?;
    let fd = pair()?.0.as_raw_fd();
    let closed = Subscription::IO { userdata: 1, fd, read_event: true, write_event: false };
    same(seen(&[closed, reading(2, &other, 5_000)])?, vec![(1, Seen::Error)])?;
    one.write_all(b"x")?;
    same(seen(&[reading(2, &other, 5_000)])?, vec![(2, Seen::Read)])
}

fn of_forty_connections_the_one_with_input_is_reported() -> Check {
    let mut pairs = (0..40).map(|_| pair()).collect::<Result<Vec<_>, _>>()?;
    for at in 0..pairs.len() {
        pairs[at].0.write_all(b"x")?;
        let waits: Vec<_> = (0..).zip(&pairs).map(|(name, (_, other))| reading(name, other, 5_000)).collect();
        same(seen(&waits)?, vec![(at as u64, Seen::Read)])?;
        pairs[at].1.read_exact(&mut [0])?;
    }
    Ok(())
}

fn a_reused_descriptor_starts_with_no_state() -> Check {
    let (_one, kept) = pair()?;
    for _ in 0..50 {
        // The kernel reuses the lowest free numbers: those of the pair before.
        let (mut one, other) = pair()?;
        let silent = seen(&[reading(1, &kept, 5_000), reading(2, &other, 4)])?;
        same(silent, vec![(2, Seen::Timeout)])?;
        one.write_all(b"x")?;
        same(seen(&[reading(1, &kept, 5_000), reading(2, &other, 5_000)])?, vec![(2, Seen::Read)])?;
        // Both are closed here, with unread input and while subscribed.
    }
    Ok(())
}
