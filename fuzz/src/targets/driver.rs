//! Packets of a database server: the driver's parsers survive what the guard before them accepts.

use std::sync::Arc;

use mysql_common::constants::{CapabilityFlags, ColumnType};
use mysql_common::io::ParseBuf;
use mysql_common::packets::{
    AuthSwitchRequest, Column, CommonOkPacket, ErrPacket, HandshakePacket, OkPacketDeserializer, OldEofPacket,
    ResultSetTerminator, StmtPacket,
};
use mysql_common::proto::{Binary, Text};
use mysql_common::row::RowDeserializer;
use mysql_common::value::ServerSide;
use mysql_framing::{Guard, Violation};

const COM_QUERY: &[u8] = b"\x03SELECT 1";
const COM_STMT_PREPARE: &[u8] = b"\x16SELECT 1";
const COM_STMT_EXECUTE: &[u8] = b"\x17";

const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];
const GREETING: &[u8] = b"\x0A5.5.5-11.8.6-MariaDB\0\x01\0\0\0abcdefgh\0\xFE\xF7\x2D\x02\0\xFF\x81\x15\
    \0\0\0\0\0\0\0\0\0\0ijklmnopqrst\0mysql_native_password\0";

/// The first byte chooses what the driver waits for, the rest is the packet. Before a row come its columns' types.
pub(crate) fn run(input: &[u8]) {
    let Some((choice, packet)) = input.split_first() else { return };
    // A packet that the guard rejects is no fault.
    let _ = match choice % 7 {
        0 => greeting(packet),
        1 => authentication(packet),
        2 => response(COM_QUERY, packet),
        3 => response(COM_STMT_PREPARE, packet),
        4 => column(packet),
        5 => row(COM_QUERY, packet),
        _ => row(COM_STMT_EXECUTE, packet),
    };
}

/// What the driver tries with each packet.
fn parse_any(packet: &[u8]) {
    let capabilities = CapabilityFlags::CLIENT_PROTOCOL_41 | CapabilityFlags::CLIENT_DEPRECATE_EOF;
    let _ = ParseBuf(packet).parse::<OkPacketDeserializer<'_, CommonOkPacket>>(capabilities);
    let _ = ParseBuf(packet).parse::<OkPacketDeserializer<'_, ResultSetTerminator>>(capabilities);
    let _ = ParseBuf(packet).parse::<OkPacketDeserializer<'_, OldEofPacket>>(capabilities);
    let _ = ParseBuf(packet).parse::<ErrPacket<'_>>(capabilities);
}

fn greeting(packet: &[u8]) -> Result<(), Violation> {
    Guard::default().received(packet)?;
    parse_any(packet);
    if let Ok(greeting) = ParseBuf(packet).parse::<HandshakePacket<'_>>(()) {
        let _ = (greeting.maria_db_server_version_parsed(), greeting.server_version_parsed(), greeting.auth_plugin());
    }
    Ok(())
}

/// A guard after the client's response to the greeting.
fn greeted() -> Result<Guard, Violation> {
    let mut guard = Guard::default();
    guard.received(GREETING)?;
    guard.sent(&[&(CapabilityFlags::CLIENT_DEPRECATE_EOF.bits()).to_le_bytes()[..], &[0; 60]].concat());
    Ok(guard)
}

fn authentication(packet: &[u8]) -> Result<(), Violation> {
    greeted()?.received(packet)?;
    parse_any(packet);
    if let Ok(request) = ParseBuf(packet).parse::<AuthSwitchRequest<'_>>(()) {
        let _ = request.auth_plugin().gen_data(Some("s3cret"), request.plugin_data());
    }
    Ok(())
}

/// A guard after the login and this command.
fn asked(command: &[u8]) -> Result<Guard, Violation> {
    let mut guard = greeted()?;
    guard.received(OK)?;
    guard.sent(command);
    Ok(guard)
}

fn response(command: &[u8], packet: &[u8]) -> Result<(), Violation> {
    asked(command)?.received(packet)?;
    parse_any(packet);
    let _ = ParseBuf(packet).parse::<StmtPacket>(());
    Ok(())
}

fn column(packet: &[u8]) -> Result<(), Violation> {
    let mut guard = asked(COM_QUERY)?;
    guard.received(&[1])?;
    guard.received(packet)?;
    parse_any(packet);
    let _ = ParseBuf(packet).parse::<Column>(());
    Ok(())
}

/// A row with up to eight columns.
fn row(command: &[u8], input: &[u8]) -> Result<(), Violation> {
    let Some((count, input)) = input.split_first() else { return Ok(()) };
    let Some((types, packet)) = input.split_at_checked(usize::from(count % 8) + 1) else { return Ok(()) };
    let mut guard = asked(command)?;
    guard.received(&[count % 8 + 1])?;
    for column_type in types {
        guard
            .received(&[b"\x03def\0\0\0\x01n\x01n\x0C\x3F\0\x0B\0\0\0", &[*column_type, 0, 0, 0, 0, 0][..]].concat())?;
    }
    guard.received(packet)?;
    parse_any(packet);
    let columns = types.iter().filter_map(|column_type| ColumnType::try_from(*column_type).ok()).map(Column::new);
    let columns: Arc<[Column]> = columns.collect();
    if command == COM_QUERY {
        let _ = ParseBuf(packet).parse::<RowDeserializer<ServerSide, Text>>(columns);
    } else {
        let _ = ParseBuf(packet).parse::<RowDeserializer<ServerSide, Binary>>(columns);
    }
    Ok(())
}
