//! The shapes of the server's packets.
//!
//! Each function returns what the guard needs of a packet, or None for a packet that the driver must not see.

use crate::reader::Reader;

/// In a status: another result follows.
const SERVER_MORE_RESULTS_EXISTS: u16 = 0x0008;

/// Capabilities, as numbered in the handshake.
pub(crate) const CLIENT_PROTOCOL_41: u32 = 1 << 9;
pub(crate) const CLIENT_SSL: u32 = 1 << 11;
pub(crate) const CLIENT_SECURE_CONNECTION: u32 = 1 << 15;
pub(crate) const CLIENT_DEPRECATE_EOF: u32 = 1 << 24;

/// The only version of the protocol that the driver speaks.
const PROTOCOL_VERSION: u8 = 10;

/// MariaDB's messages have up to 512 bytes.
const MAX_ERROR_BYTES: usize = 4096;

/// A nonce has 20 bytes. The driver needs 8 of it.
const MIN_NONCE_BYTES: usize = 8;

/// The longest version and the longest nonce that are plausible.
const MAX_VERSION_BYTES: usize = 255;
const MAX_NONCE_BYTES: u8 = 127;

/// The maximum number of columns of MariaDB and MySQL.
const MAX_COLUMNS: u64 = 4096;

/// What follows a packet that ends a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// Nothing.
    End,
    /// Another result.
    MoreResults,
}

impl After {
    fn from_status(status: u16) -> Self {
        if status & SERVER_MORE_RESULTS_EXISTS == 0 { Self::End } else { Self::MoreResults }
    }
}

/// The first packet of a connection.
pub(crate) fn is_greeting(packet: &[u8]) -> bool {
    greeting(packet).is_some()
}

fn greeting(packet: &[u8]) -> Option<()> {
    let mut reader = Reader(packet);
    let protocol = reader.u8()?;
    let version = reader.nul_terminated()?;
    reader.bytes(4 + 8 + 1)?;
    let low = reader.u16()?;
    reader.bytes(1 + 2)?;
    let high = reader.u16()?;
    let nonce_length = reader.u8()?;
    reader.bytes(10)?;
    let capabilities = u32::from(low) | u32::from(high) << 16;
    let required = CLIENT_PROTOCOL_41 | CLIENT_SECURE_CONNECTION;
    let is_valid = protocol == PROTOCOL_VERSION
        && version.is_ascii()
        && version.len() <= MAX_VERSION_BYTES
        && nonce_length <= MAX_NONCE_BYTES
        && capabilities & required == required;
    is_valid.then_some(())
}

/// An error: the code, then the SQL state after a `#`, then the message. Before the handshake there is no state.
pub(crate) fn is_error(packet: &[u8]) -> bool {
    let is_complete = match packet {
        [0xFF, _, _, b'#', state_and_message @ ..] => state_and_message.len() >= 5,
        [0xFF, _, _, _, ..] => true,
        _ => false,
    };
    is_complete && packet.len() <= MAX_ERROR_BYTES
}

/// The success of a command.
pub(crate) fn ok(packet: &[u8]) -> Option<After> {
    let mut reader = Reader(packet);
    (reader.u8()? == 0x00).then_some(())?;
    after_header(reader)
}

/// The end of a result's rows, for a client that knows no EOF.
pub(crate) fn end_of_rows(packet: &[u8]) -> Option<After> {
    let mut reader = Reader(packet);
    (reader.u8()? == 0xFE).then_some(())?;
    after_header(reader)
}

/// Affected rows, the last id, the status, the number of warnings, and a text.
fn after_header(mut reader: Reader<'_>) -> Option<After> {
    reader.length_encoded()?;
    reader.length_encoded()?;
    let status = reader.u16()?;
    reader.u16()?;
    if reader.0.first().is_some_and(|length| *length > 0) {
        reader.length_encoded_bytes()?;
    }
    Some(After::from_status(status))
}

/// The end of columns or rows, for a client that knows EOF.
pub(crate) fn end_of_file(packet: &[u8]) -> Option<After> {
    match packet {
        [0xFE, _, _, low, high] => Some(After::from_status(u16::from_le_bytes([*low, *high]))),
        _ => None,
    }
}

/// The number of a result's columns.
pub(crate) fn column_count(packet: &[u8]) -> Option<usize> {
    let mut reader = Reader(packet);
    let count = reader.length_encoded()?;
    let is_valid = (1..=MAX_COLUMNS).contains(&count) && reader.0.is_empty();
    is_valid.then_some(usize::try_from(count).ok()?)
}

/// The definition of a column or of a parameter.
pub(crate) fn is_column(packet: &[u8]) -> bool {
    column(packet).is_some_and(is_supported_type)
}

/// The column's type.
fn column(packet: &[u8]) -> Option<u8> {
    let mut reader = Reader(packet);
    (reader.length_encoded_bytes()? == b"def").then_some(())?;
    for _schema_table_and_name in 0..5 {
        reader.length_encoded_bytes()?;
    }
    // The length of what follows: character set, length, type, flags, decimals, filler.
    (reader.u8()? == 12).then_some(())?;
    let fixed = reader.bytes(12)?;
    fixed.get(6).copied()
}

/// The types that the driver decodes: those from DECIMAL to YEAR, VARCHAR, BIT, and those from JSON to GEOMETRY.
fn is_supported_type(column_type: u8) -> bool {
    matches!(column_type, 0..=13 | 15 | 16 | 245..=255)
}

/// The response to PREPARE: the numbers of parameters and of columns.
pub(crate) fn statement(packet: &[u8]) -> Option<[usize; 2]> {
    let mut reader = Reader(packet);
    (reader.u8()? == 0x00).then_some(())?;
    reader.u32()?;
    let (columns, parameters) = (reader.u16()?, reader.u16()?);
    reader.bytes(1 + 2)?;
    Some([parameters.into(), columns.into()])
}

/// A row in the text protocol whose values are numbers of 32 bits.
pub(crate) fn is_row_of_numbers(packet: &[u8], columns: usize) -> bool {
    let mut reader = Reader(packet);
    let mut is_number = || {
        let text = std::str::from_utf8(reader.length_encoded_bytes()?).ok()?;
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u32>().ok())?
    };
    (0..columns).all(|_| is_number().is_some()) && reader.0.is_empty()
}

/// A row in the binary protocol: a zero, a bit for each column and two more, the values.
pub(crate) fn is_binary_row(packet: &[u8], columns: usize) -> bool {
    packet.first() == Some(&0) && packet.len() > (columns + 2).div_ceil(8)
}

/// A request to authenticate in another way.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum AuthSwitch {
    /// By a response that depends on the password and on a nonce.
    Hashed,
    /// By the password itself.
    ClearText,
}

/// The request, with a nonce that suffices.
pub(crate) fn auth_switch(packet: &[u8]) -> Option<AuthSwitch> {
    let mut reader = Reader(packet);
    (reader.u8()? == 0xFE).then_some(())?;
    if reader.0.is_empty() {
        // The oldest form, for mysql_old_password with the greeting's nonce.
        return Some(AuthSwitch::Hashed);
    }
    let plugin = reader.nul_terminated()?;
    let nonce = reader.0.strip_suffix(&[0]).unwrap_or(reader.0);
    if plugin == b"mysql_clear_password" {
        return Some(AuthSwitch::ClearText);
    }
    (nonce.len() >= MIN_NONCE_BYTES).then_some(AuthSwitch::Hashed)
}

/// A step of `caching_sha2_password`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sha2Step {
    /// The hash was known: the server sends OK next.
    Done,
    /// The server asks for the password itself.
    FullAuthentication,
}

/// The step that the server announces.
pub(crate) fn sha2_step(packet: &[u8]) -> Option<Sha2Step> {
    match packet {
        [0x01, 0x03] => Some(Sha2Step::Done),
        [0x01, 0x04] => Some(Sha2Step::FullAuthentication),
        _ => None,
    }
}
