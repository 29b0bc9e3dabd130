//! Conversations, packet by packet.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use super::*;

const SSL: u32 = CLIENT_SSL;
const NO_EOF: u32 = CLIENT_DEPRECATE_EOF;
const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];
const OK_WITH_MORE: &[u8] = &[0, 0, 0, 8, 0, 0, 0];
const EOF: &[u8] = &[0xFE, 0, 0, 2, 0];
const END: &[u8] = &[0xFE, 0, 0, 2, 0, 0, 0];
const ERROR: &[u8] = b"\xFF\x15\x04#28000Access denied";

fn greeting() -> Vec<u8> {
    let mut packet = b"\x0A5.5.5-11.8.6-MariaDB\0\x01\0\0\0abcdefgh\0".to_vec();
    packet.extend([0xFE, 0xF7, 45, 2, 0, 0xFF, 0x81, 21, 0, 0, 0, 0, 0, 0, 0x1D, 0, 0, 0]);
    packet.extend(b"abcdefghijkl\0mysql_native_password\0");
    packet
}

fn capabilities(flags: u32, length: usize) -> Vec<u8> {
    let mut packet = flags.to_le_bytes().to_vec();
    packet.resize(length, 0);
    packet
}

fn column(column_type: u8) -> Vec<u8> {
    let mut packet = b"\x03def\x01s\x01t\x01t\x01n\x01n\x0C\x3F\0\x0B\0\0\0".to_vec();
    packet.extend([column_type, 0, 0, 0, 0, 0]);
    packet
}

/// A connection after the greeting and the client's capabilities.
fn greeted(flags: u32) -> Guard {
    let mut guard = Guard::default();
    guard.received(&greeting()).unwrap();
    guard.sent(&capabilities(flags, 80));
    guard
}

fn logged_in(flags: u32) -> Guard {
    let mut guard = greeted(flags);
    guard.received(OK).unwrap();
    guard
}

/// The connection inside TLS.
fn greeted_in_tls() -> Guard {
    let mut guard = Guard::default();
    guard.sent(&capabilities(NO_EOF, 80));
    guard
}

fn receive(mut guard: Guard, packets: &[&[u8]]) -> Result<Guard, Violation> {
    packets.iter().try_for_each(|packet| guard.received(packet))?;
    Ok(guard)
}

/// Sends a command and receives its response, which must leave the connection idle.
fn exchange(mut guard: Guard, command: u8, packets: &[&[u8]]) -> Result<(), Violation> {
    guard.sent(&[command, 0]);
    let guard = receive(guard, packets)?;
    assert_eq!(guard.state, State::Idle);
    Ok(())
}

#[test]
fn a_login_and_each_kind_of_response_are_accepted() {
    let number = column(3);
    for (flags, responses) in [
        (NO_EOF, [&[&[1][..], &number, b"\x011", END][..], &[&[1], &number, &[0, 0, 1, 0, 0, 0], END]]),
        (0, [&[&[1][..], &number, EOF, b"\x011", EOF], &[&[1], &number, EOF, &[0, 0, 1, 0, 0, 0], EOF]]),
    ] {
        let [text, binary] = responses;
        exchange(logged_in(flags), COM_QUERY, text).unwrap();
        exchange(logged_in(flags), COM_STMT_EXECUTE, binary).unwrap();
        exchange(logged_in(flags), COM_QUERY, &[OK]).unwrap();
        exchange(logged_in(flags), COM_QUERY, &[&[OK_WITH_MORE][..], text].concat()).unwrap();
        exchange(logged_in(flags), COM_QUERY, &[ERROR]).unwrap();
        exchange(logged_in(flags), COM_PING, &[OK]).unwrap();
        exchange(logged_in(flags), COM_STMT_CLOSE, &[]).unwrap();
    }
}

#[test]
fn a_prepared_statement_has_its_parameters_then_its_columns() {
    let head = |columns, parameters| [0, 1, 0, 0, 0, columns, 0, parameters, 0, 0, 0, 0];
    let number = column(3);
    let prepare = |flags, packets: &[&[u8]]| exchange(logged_in(flags), COM_STMT_PREPARE, packets);
    prepare(NO_EOF, &[&head(0, 0)]).unwrap();
    prepare(NO_EOF, &[&head(1, 2), &number, &number, &number]).unwrap();
    prepare(0, &[&head(1, 2), &number, &number, EOF, &number, EOF]).unwrap();
    prepare(0, &[&head(1, 0), &number, EOF]).unwrap();
    prepare(0, &[&head(0, 1), &number, EOF]).unwrap();
    prepare(NO_EOF, &[ERROR]).unwrap();
    assert!(prepare(NO_EOF, &[&head(0, 1)[..11]]).is_err());
    assert!(prepare(NO_EOF, &[&head(0, 1), OK]).is_err());
}

#[test]
fn nothing_is_accepted_that_nothing_asked_for() {
    assert!(receive(logged_in(NO_EOF), &[OK]).is_err());
    assert!(receive(logged_in(NO_EOF), &[ERROR]).is_err());
    let mut guard = Guard::default();
    guard.received(&greeting()).unwrap();
    assert!(guard.received(OK).is_err());
    guard.sent(&capabilities(SSL, SSL_REQUEST_BYTES));
    assert!(guard.received(OK).is_err());
}

#[test]
fn an_invalid_greeting_is_rejected() {
    let valid = greeting();
    for length in 0..34 {
        assert!(receive(Guard::default(), &[&valid[..length]]).is_err(), "{length}");
    }
    let changed = |position: usize, byte| {
        let mut packet = valid.clone();
        packet[position] = byte;
        packet
    };
    let protocol = changed(0, 9);
    let without_protocol_41 = changed(36, 0);
    let version = [b"\x0A".as_slice(), "٥.٥.٥\0".as_bytes(), &valid[22..]].concat();
    for packet in [protocol, without_protocol_41, version] {
        assert!(receive(Guard::default(), &[&packet]).is_err(), "{packet:?}");
    }
}

#[test]
fn errors_are_checked_in_every_state() {
    for packet in [&[0xFF][..], &[0xFF, 1, 2], b"\xFF\x01\x02#HY00", &[0xFF; MAX]] {
        assert!(receive(Guard::default(), &[packet]).is_err());
        assert!(receive(greeted(NO_EOF), &[packet]).is_err());
        assert!(exchange(logged_in(NO_EOF), COM_QUERY, &[packet]).is_err());
        assert!(exchange(logged_in(NO_EOF), COM_QUERY, &[&[1], &column(3), packet]).is_err());
    }
    const MAX: usize = 4097;
    assert!(receive(Guard::default(), &[b"\xFF\x10\x04Too many connections"]).is_ok());
}

#[test]
fn a_password_is_not_sent_in_the_clear_without_tls() {
    let clear_text = b"\xFEmysql_clear_password\0";
    let whole_password = &[1, 4];
    for packet in [&clear_text[..], whole_password] {
        assert!(receive(greeted(NO_EOF), &[packet]).is_err());
        assert!(receive(greeted_in_tls(), &[packet, OK]).is_ok());
    }
    assert!(receive(greeted(NO_EOF), &[&[1, 3], OK]).is_ok());
}

#[test]
fn the_authentication_method_changes_once_and_with_a_nonce() {
    let switch = b"\xFEmysql_native_password\0abcdefghijklmnopqrst\0";
    assert!(receive(greeted(NO_EOF), &[switch, OK]).is_ok());
    assert!(receive(greeted(NO_EOF), &[switch, switch]).is_err());
    assert!(receive(greeted(NO_EOF), &[&[0xFE], OK]).is_ok());
    for packet in [&b"\xFEmysql_native_password\0abcdefg\0"[..], b"\xFEmysql_old_password\0", b"\xFEmysql"] {
        assert!(receive(greeted(NO_EOF), &[packet]).is_err(), "{packet:?}");
    }
}

#[test]
fn a_request_for_a_local_file_is_rejected() {
    assert!(exchange(logged_in(NO_EOF), COM_QUERY, &[b"\xFB/etc/passwd"]).is_err());
}

#[test]
fn an_impossible_number_of_columns_is_rejected() {
    for packet in [&[][..], &[0xFC, 0, 0], &[0xFC, 1, 0x10], &[0xFE, 0, 0, 0, 0, 0, 0, 0, 0x10], &[1, 1], &[0xFC]] {
        assert!(exchange(logged_in(NO_EOF), COM_QUERY, &[packet]).is_err(), "{packet:?}");
    }
}

#[test]
fn a_column_that_the_driver_cannot_decode_is_rejected() {
    for column_type in [14, 17, 20, 21, 200, 242, 243, 244] {
        assert!(exchange(logged_in(NO_EOF), COM_QUERY, &[&[1], &column(column_type)]).is_err(), "{column_type}");
    }
    let valid = column(3);
    for length in 0..valid.len() {
        assert!(exchange(logged_in(NO_EOF), COM_QUERY, &[&[1], &valid[..length]]).is_err(), "{length}");
    }
}

#[test]
fn an_empty_or_short_row_is_rejected() {
    let number = column(3);
    let rows = |command, row: &[u8]| exchange(logged_in(NO_EOF), command, &[&[1], &number, row, END]);
    assert!(rows(COM_QUERY, &[]).is_err());
    for row in [&[][..], &[0], &[1, 0]] {
        assert!(rows(COM_STMT_EXECUTE, row).is_err(), "{row:?}");
    }
    assert!(rows(COM_STMT_EXECUTE, &[0xFE]).is_err());
}

#[test]
fn a_setting_that_is_no_number_is_rejected() {
    let number = column(3);
    let ask = |row: &[u8]| {
        let mut guard = logged_in(NO_EOF);
        guard.sent(b"\x03SELECT @@max_allowed_packet,@@wait_timeout");
        receive(guard, &[&[2], &number, &number, row, END])
    };
    assert!(ask(b"\x0816777216\x0528800").is_ok());
    for row in [&b"\x0816777216"[..], b"\x031e9\x011", b"\xFB\x011", b"\0\x011", b"\x0a9999999999\x011", b"\x011\x02+1"]
    {
        assert!(ask(row).is_err(), "{row:?}");
    }
}

#[test]
fn a_response_has_a_maximum_size() {
    let mut guard = logged_in(NO_EOF);
    guard.sent(&[COM_QUERY]);
    guard.received(&[1]).unwrap();
    guard.received(&column(3)).unwrap();
    let accepted = std::iter::repeat_with(|| guard.received(&[0xFB])).take_while(Result::is_ok).count();
    let before_rows = 1 + column(3).len() + 2 * PACKET_OVERHEAD;
    assert_eq!(accepted, (MAX_RESPONSE_BYTES - before_rows) / (1 + PACKET_OVERHEAD + VALUE_OVERHEAD));
    // The next command has the whole size again.
    let mut guard = logged_in(NO_EOF);
    for _ in 0..3 {
        guard.sent(&[COM_QUERY]);
        let row = vec![0; MAX_RESPONSE_BYTES / 2];
        for packet in [&[1][..], &column(252), &row, END] {
            guard.received(packet).unwrap();
        }
    }
}

#[test]
fn arbitrary_packets_never_panic_and_are_rejected_soon() {
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..200_000 {
        let mut guard = Guard::default();
        for _ in 0..20 {
            let packet = (0..random.usize(..40)).map(|_| random.u8(..)).collect::<Vec<_>>();
            if random.bool() {
                guard.sent(&packet);
            } else if guard.received(&packet).is_err() {
                break;
            }
        }
    }
}
