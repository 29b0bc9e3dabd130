//! Follows a conversation between the driver and its server.

use crate::packets::{self, After, AuthSwitch, CLIENT_DEPRECATE_EOF, CLIENT_SSL, Sha2Step};
use crate::reader::Reader;
use crate::state::{AfterDefinitions, Rows, State};
use crate::violation::{MAX_RESPONSE_BYTES, TOO_LARGE, Violation};

/// The length of the client's request for TLS.
const SSL_REQUEST_BYTES: usize = 32;

/// What the driver keeps in addition to a packet's bytes: for a row or a column, and for each value in a row.
const PACKET_OVERHEAD: usize = 128;
const VALUE_OVERHEAD: usize = 32;

/// The driver's own query, for `max_allowed_packet` and `wait_timeout`. It converts the values without a check.
const SETTINGS_QUERY: &[u8] = b"SELECT @@";

/// Commands, as the client numbers them.
const COM_QUIT: u8 = 0x01;
const COM_QUERY: u8 = 0x03;
const COM_PING: u8 = 0x0E;
const COM_CHANGE_USER: u8 = 0x11;
const COM_STMT_PREPARE: u8 = 0x16;
const COM_STMT_EXECUTE: u8 = 0x17;
const COM_STMT_SEND_LONG_DATA: u8 = 0x18;
const COM_STMT_CLOSE: u8 = 0x19;
const COM_RESET_CONNECTION: u8 = 0x1F;

/// Follows one connection.
#[derive(Debug)]
pub struct Guard {
    state: State,
    /// The packets are inside TLS.
    is_encrypted: bool,
    /// The client knows no EOF packets.
    is_eof_deprecated: bool,
    /// What the response to the current command may still take.
    remaining_bytes: usize,
}

impl Default for Guard {
    fn default() -> Self {
        Self { state: State::Start, is_encrypted: false, is_eof_deprecated: false, remaining_bytes: MAX_RESPONSE_BYTES }
    }
}

impl Guard {
    /// Notes a packet that the client sends.
    pub fn sent(&mut self, packet: &[u8]) {
        match self.state {
            State::Start => {
                self.is_encrypted = true;
                self.sent_capabilities(packet);
            }
            State::Greeted => self.sent_capabilities(packet),
            State::Authentication { .. } => {}
            _ => self.sent_command(packet),
        }
    }

    fn sent_capabilities(&mut self, packet: &[u8]) {
        let capabilities = Reader(packet).u32().unwrap_or_default();
        let asks_for_tls = packet.len() == SSL_REQUEST_BYTES && capabilities & CLIENT_SSL != 0;
        self.is_eof_deprecated = capabilities & CLIENT_DEPRECATE_EOF != 0;
        // After a request for TLS the driver uses another stream, with a guard of its own.
        self.state = if asks_for_tls { State::Idle } else { State::Authentication { is_switched: false } };
    }

    fn sent_command(&mut self, packet: &[u8]) {
        self.state = match packet.first().copied() {
            // They have no response.
            Some(COM_QUIT | COM_STMT_SEND_LONG_DATA | COM_STMT_CLOSE) => return,
            Some(COM_QUERY) if packet.get(1..).is_some_and(|sql| sql.starts_with(SETTINGS_QUERY)) => {
                State::Result(Rows::Numbers)
            }
            Some(COM_QUERY) => State::Result(Rows::Text),
            Some(COM_STMT_EXECUTE) => State::Result(Rows::Binary),
            Some(COM_STMT_PREPARE) => State::Statement,
            Some(COM_PING | COM_RESET_CONNECTION) => State::Ok,
            Some(COM_CHANGE_USER) => State::Authentication { is_switched: false },
            _ => State::Idle,
        };
        self.remaining_bytes = MAX_RESPONSE_BYTES;
    }

    /// Checks a packet that the server sent.
    ///
    /// # Errors
    /// The protocol does not allow the packet here.
    pub fn received(&mut self, packet: &[u8]) -> Result<(), Violation> {
        self.spend(packet.len().saturating_add(PACKET_OVERHEAD))?;
        self.state = match self.state {
            State::Idle | State::Greeted => Err(Violation("a packet that nothing asked for")),
            _ if packet.first() == Some(&0xFF) => after_error(packet),
            State::Start if packets::is_greeting(packet) => Ok(State::Greeted),
            State::Start => Err(Violation("an invalid greeting")),
            State::Authentication { is_switched } => self.authentication(packet, is_switched),
            State::Ok => packets::ok(packet).map(|_| State::Idle).ok_or(Violation("an invalid response to a command")),
            State::Result(rows) => result(packet, rows),
            State::Definitions { remaining, then } if packets::is_column(packet) => {
                Ok(self.after_definition(remaining.saturating_sub(1), then))
            }
            State::Definitions { .. } => Err(Violation("an invalid or unsupported column")),
            State::EndOfDefinitions(then) if packets::end_of_file(packet).is_some() => Ok(then.state()),
            State::EndOfDefinitions(_) => Err(Violation("an invalid end of columns")),
            State::Row { rows, columns } => self.row(packet, rows, columns),
            State::Statement => self.statement(packet),
        }?;
        Ok(())
    }

    /// Counts memory that the driver uses for the response.
    fn spend(&mut self, bytes: usize) -> Result<(), Violation> {
        let remaining = self.remaining_bytes.checked_sub(bytes);
        self.remaining_bytes = remaining.ok_or(TOO_LARGE)?;
        Ok(())
    }

    fn authentication(&self, packet: &[u8], is_switched: bool) -> Result<State, Violation> {
        match packet.first() {
            Some(0x00) => packets::ok(packet).map(|_| State::Idle).ok_or(Violation("an invalid response to the login")),
            Some(0xFE) if !is_switched => match packets::auth_switch(packet) {
                Some(AuthSwitch::ClearText) if !self.is_encrypted => {
                    Err(Violation("a request for the password in clear text, and the connection is not encrypted"))
                }
                Some(_) => Ok(State::Authentication { is_switched: true }),
                None => Err(Violation("an invalid request for another authentication method")),
            },
            Some(0x01) => match packets::sha2_step(packet) {
                Some(Sha2Step::FullAuthentication) if !self.is_encrypted => {
                    Err(Violation("a request for the whole password, and the connection is not encrypted"))
                }
                Some(_) => Ok(State::Ok),
                None => Err(Violation("an unknown step of an authentication")),
            },
            _ => Err(Violation("an invalid response to the login")),
        }
    }

    fn after_definition(&self, remaining: usize, then: AfterDefinitions) -> State {
        match remaining {
            0 if self.is_eof_deprecated => then.state(),
            0 => State::EndOfDefinitions(then),
            _ => State::Definitions { remaining, then },
        }
    }

    fn row(&mut self, packet: &[u8], rows: Rows, columns: usize) -> Result<State, Violation> {
        if packet.first() == Some(&0xFE) {
            let end = if self.is_eof_deprecated { packets::end_of_rows(packet) } else { packets::end_of_file(packet) };
            return end.map(|after| after_result(after, rows)).ok_or(Violation("an invalid end of a result"));
        }
        self.spend(columns.saturating_mul(VALUE_OVERHEAD))?;
        match rows {
            Rows::Text if packet.is_empty() => Err(Violation("an empty row")),
            Rows::Numbers if !packets::is_row_of_numbers(packet, columns) => {
                Err(Violation("a setting that is no number"))
            }
            Rows::Binary if !packets::is_binary_row(packet, columns) => Err(Violation("an invalid row")),
            _ => Ok(State::Row { rows, columns }),
        }
    }

    fn statement(&self, packet: &[u8]) -> Result<State, Violation> {
        let [parameters, columns] = packets::statement(packet).ok_or(Violation("an invalid response to PREPARE"))?;
        let then = AfterDefinitions::StatementColumns(columns);
        Ok(if parameters == 0 { then.state() } else { State::Definitions { remaining: parameters, then } })
    }
}

/// The server ends a connection after an error in the login; after any other error it expects the next command.
fn after_error(packet: &[u8]) -> Result<State, Violation> {
    if packets::is_error(packet) { Ok(State::Idle) } else { Err(Violation("an invalid error")) }
}

fn result(packet: &[u8], rows: Rows) -> Result<State, Violation> {
    match packet.first() {
        Some(0x00) => packets::ok(packet).map(|after| after_result(after, rows)),
        Some(0xFB) => return Err(Violation("a request for a local file")),
        _ => packets::column_count(packet).map(|columns| {
            let then = AfterDefinitions::Rows { rows, columns };
            State::Definitions { remaining: columns, then }
        }),
    }
    .ok_or(Violation("an invalid result"))
}

fn after_result(after: After, rows: Rows) -> State {
    match after {
        After::End => State::Idle,
        After::MoreResults => State::Result(rows),
    }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
