//! The form of a log line: `{"time":…,"level":…,"message":…,…}` or `time LEVEL message key=value …`.

use std::fmt::{Debug, Write as _};
use std::time::SystemTime;

use tracing::Level;
use tracing::field::{Field, Visit};

/// The longest value, in characters: a line must stay within `PIPE_BUF`.
const MAX_VALUE_CHARS: usize = 512;

/// A log line under construction.
pub(super) struct Line {
    text: String,
    json: bool,
}

impl Line {
    pub(super) fn start(level: Level, json: bool) -> Self {
        let mut text = String::with_capacity(256);
        if json {
            text.push_str(r#"{"time":""#);
        }
        let time = humantime::format_rfc3339_millis(SystemTime::now());
        // Writing to a String cannot fail, here and below.
        let _ = if json {
            write!(text, r#"{time}","level":"{}""#, level.as_str().to_ascii_lowercase())
        } else {
            write!(text, "{time} {level:<5}")
        };
        Self { text, json }
    }

    pub(super) fn end(mut self) -> Vec<u8> {
        self.text.push_str(if self.json { "}\n" } else { "\n" });
        self.text.into_bytes()
    }

    /// Appends what is known of the request that the line is about.
    pub(super) fn request(&mut self, request_id: &str, trace_id: impl std::fmt::Display) {
        let _ = match self.json {
            // Both are of characters that need no escape.
            true => write!(self.text, r#","request_id":"{request_id}","trace_id":"{trace_id}""#),
            false => write!(self.text, " request_id={request_id} trace_id={trace_id}"),
        };
    }

    /// Appends a name and an unquoted value: a number or a boolean.
    fn plain(&mut self, field: &Field, value: impl std::fmt::Display) {
        let name = field.name();
        let _ =
            if self.json { write!(self.text, r#","{name}":{value}"#) } else { write!(self.text, " {name}={value}") };
    }

    /// Appends a name and a quoted value. In a text line the message stands without name and quotes.
    fn text(&mut self, field: &Field, value: &str) {
        let value = match value.char_indices().nth(MAX_VALUE_CHARS) {
            Some((end, _)) => value.get(..end).unwrap_or(value),
            None => value,
        };
        let quoted = serde_json::to_string(value).unwrap_or_default();
        let name = field.name();
        let _ = match (self.json, name) {
            (true, _) => write!(self.text, r#","{name}":{quoted}"#),
            (false, "message") => write!(self.text, " {}", quoted.trim_matches('"')),
            (false, _) => write!(self.text, " {name}={quoted}"),
        };
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.text(field, &value.to_string());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, value);
    }
}
