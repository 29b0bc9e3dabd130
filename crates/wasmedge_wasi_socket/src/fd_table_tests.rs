//! What the table knows after each call.

use super::*;

const FD: Fd = 7;

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, last], 3306))
}

fn failure(number: u16) -> io::Result<()> {
    Err(errno::error(number.into()))
}

fn table() -> FdTable {
    let mut table = FdTable::new();
    table.opened(FD);
    table
}

#[test]
fn a_writable_socket_stays_writable_until_a_write_is_incomplete() {
    let mut table = table();
    assert_eq!(table.writability(FD), Writability::Unknown);
    table.mark_writable(FD);
    assert_eq!(table.writability(FD), Writability::Ready);
    table.write_incomplete(FD);
    assert_eq!(table.writability(FD), Writability::Unknown);
}

#[test]
fn a_connect_ends_what_is_known_of_writability() {
    let mut table = table();
    table.mark_writable(FD);
    table.connecting(FD, address(1));
    assert_eq!(table.writability(FD), Writability::Unknown);
}

#[test]
fn only_a_non_blocking_socket_that_is_no_listener_can_be_peeked() {
    let mut table = table();
    assert!(!table.can_peek(FD) && !table.is_nonblocking(FD));
    table.set_nonblocking(FD, true);
    assert!(table.can_peek(FD) && table.is_nonblocking(FD));
    table.listening(FD);
    assert!(!table.can_peek(FD) && table.is_nonblocking(FD));
    assert_eq!(table.writability(FD), Writability::Never);
}

#[test]
fn a_kept_error_is_returned_once() {
    let mut table = table();
    assert_eq!(table.pending_error(FD), Some(0));
    table.set_pending_error(FD, errno::NOTCONN);
    assert_eq!(table.pending_error(FD), Some(errno::NOTCONN));
    assert_eq!((table.take_pending_error(FD), table.take_pending_error(FD)), (errno::NOTCONN, 0));
}

#[test]
fn of_a_descriptor_that_is_not_in_the_table_nothing_is_known_or_kept() {
    let mut table = table();
    table.closed(FD, || 0);
    table.mark_writable(FD);
    table.set_nonblocking(FD, true);
    table.set_pending_error(FD, errno::NOTCONN);
    assert_eq!((table.pending_error(FD), table.writability(FD)), (None, Writability::Unknown));
    assert!(!table.can_peek(FD));
}

#[test]
fn the_first_result_after_a_connect_is_the_result_of_the_connect() {
    let mut table = table();
    table.connecting(FD, address(1));
    table.io_finished(FD, &failure(errno::INPROGRESS), || 1);
    table.io_finished(FD, &failure(errno::AGAIN), || 2);
    assert_eq!(table.take_finished_connects(), []);
    table.io_finished(FD, &Ok(()), || 3);
    table.io_finished(FD, &failure(errno::NOTCONN), || 4);
    assert_eq!(table.take_finished_connects(), [FinishedConnect { to: address(1), reached: true, at: 3 }]);
    assert_eq!(table.take_finished_connects(), []);
}

#[test]
fn a_socket_that_is_closed_while_connecting_has_failed_to_connect() {
    let mut table = table();
    table.connecting(FD, address(1));
    table.closed(FD, || 5);
    assert_eq!(table.take_finished_connects(), [FinishedConnect { to: address(1), reached: false, at: 5 }]);
}

#[test]
fn the_last_result_of_each_address_is_kept_and_their_number_is_bounded() {
    let mut table = table();
    for at in 0..10 {
        table.connecting(FD, address(1));
        table.io_finished(FD, &failure(errno::NETUNREACH), || at);
    }
    assert_eq!(table.take_finished_connects(), [FinishedConnect { to: address(1), reached: false, at: 9 }]);
    for number in 0..10_000_u16 {
        table.connecting(FD, SocketAddr::from(([10, 0, 0, 1], number)));
        table.io_finished(FD, &Ok(()), || 1);
    }
    assert!(table.take_finished_connects().len() <= MAX_FINISHED_CONNECTS);
}

#[test]
fn a_peer_is_expected_to_send_unless_it_waits_for_a_response() {
    let mut table = FdTable::new();
    table.begin_wait();
    table.opened(4);
    assert!(table.expects_input(4), "the first request");
    table.received(4);
    for _ in 0..2 {
        table.begin_wait();
    }
    assert!(!table.expects_input(4));
    table.sent(4);
    assert!(table.expects_input(4), "the next request");
    assert!(table.expects_input(5), "nothing is known of another crate's descriptor");
    table.received(4);
    table.received(4);
    assert_eq!(table.sockets_with_input(), 2, "after two waits");
}
