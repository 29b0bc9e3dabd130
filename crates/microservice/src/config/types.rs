//! The types of variables: each has a name and a parser whose errors say what the value must be.

use std::net::SocketAddr;
use std::time::Duration;

/// A type of values.
#[derive(Debug)]
pub struct Type<T: 'static> {
    /// The type's name, for programs that read the table: `address`, `duration`, `size`, `count`, `boolean`, `choice`,
    /// `origin`, `list`, `rate`, `file`, `url` or `text`.
    pub name: &'static str,
    /// Parses a value. The error completes the sentence "NAME is VALUE, but …".
    pub parse: fn(&str) -> Result<T, String>,
}

impl<T> Clone for Type<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Type<T> {}

/// The shortest duration above zero. The database's timeouts have no finer unit.
const MIN_DURATION: Duration = Duration::from_millis(1);

/// The longest duration that may be set. A longer timeout would hardly ever expire.
const MAX_DURATION: Duration = Duration::from_secs(24 * 60 * 60);

/// 30 days, for [`SECONDS`].
const MAX_SECONDS: u64 = 30 * 24 * 60 * 60;

/// `true` or `false`.
pub const BOOLEAN: Type<bool> = Type {
    name: "boolean",
    parse: |text| match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("must be true or false".into()),
    },
};

/// An IP address and a port.
pub const ADDRESS: Type<SocketAddr> =
    Type { name: "address", parse: |text| text.parse().map_err(|_| "must be an IP address and a port".into()) };

/// A duration above zero, such as `250ms`, `5s` or `2m`; at most a day.
pub const DURATION: Type<Duration> = Type {
    name: "duration",
    parse: |text| match duration(text)? {
        Duration::ZERO => Err("must be longer than zero".into()),
        duration => Ok(duration),
    },
};

/// A duration in whole seconds, such as `90s` or `7d`; at most 30 days.
pub const SECONDS: Type<Duration> = Type {
    name: "duration",
    parse: |text| {
        let parsed = humantime::parse_duration(text).ok().filter(|_| !text.contains(char::is_whitespace));
        let is_allowed =
            |duration: &Duration| duration.subsec_nanos() == 0 && (1..=MAX_SECONDS).contains(&duration.as_secs());
        parsed.filter(is_allowed).ok_or_else(|| "must be a duration of whole seconds, from 1s to 30d".into())
    },
};

/// A duration that may be zero.
pub const DURATION_OR_ZERO: Type<Duration> = Type { name: "duration", parse: duration };

/// Any text.
pub const TEXT: Type<String> = Type { name: "text", parse: |text| Ok(text.to_owned()) };

/// A file's path.
pub const FILE: Type<String> = Type { name: "file", parse: |text| Ok(text.to_owned()) };

/// An origin as browsers send it (RFC 6454 §7): scheme, host and port, and nothing else; or `*`.
pub const ORIGIN: Type<String> = Type {
    name: "origin",
    parse: |text| {
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let is_plain =
            |host: &str| !host.is_empty() && host.bytes().all(|b| b.is_ascii_graphic() && !b"/?#@,".contains(&b));
        if text == "*" || host.is_some_and(is_plain) {
            Ok(text.to_owned())
        } else {
            Err("must be one origin (scheme, host and port, no path) or *".into())
        }
    },
};

/// A whole number from `MIN` to `MAX`.
#[must_use]
pub const fn count<const MIN: usize, const MAX: usize>() -> Type<usize> {
    Type {
        name: "count",
        parse: |text| {
            let count = text.parse().ok().filter(|count| (MIN..=MAX).contains(count));
            count.ok_or_else(|| format!("must be a whole number from {MIN} to {MAX}"))
        },
    }
}

/// A size in bytes from `MIN` to `MAX`, such as `512`, `64KiB` or `32MiB`.
#[must_use]
pub const fn size<const MIN: usize, const MAX: usize>() -> Type<usize> {
    Type {
        name: "size",
        parse: |text| {
            let size = bytes(text).filter(|size| (MIN..=MAX).contains(size));
            size.ok_or_else(|| format!("must be a size in bytes, KiB or MiB from {MIN} to {MAX} bytes"))
        },
    }
}

fn bytes(text: &str) -> Option<usize> {
    let (number, unit) = match (text.strip_suffix("MiB"), text.strip_suffix("KiB")) {
        (Some(number), _) => (number, 1024 * 1024),
        (_, Some(number)) => (number, 1024),
        _ => (text, 1),
    };
    number.parse::<usize>().ok()?.checked_mul(unit)
}

fn duration(text: &str) -> Result<Duration, String> {
    // humantime would accept blanks between a number and its unit.
    let parsed = humantime::parse_duration(text).ok().filter(|_| !text.contains(char::is_whitespace));
    let duration = parsed.ok_or("must be a duration such as 250ms, 5s or 2m")?;
    match duration {
        Duration::ZERO => Ok(duration),
        _ if duration < MIN_DURATION => Err("must be at least 1ms".into()),
        _ if duration > MAX_DURATION => Err("must be at most a day".into()),
        _ => Ok(duration),
    }
}

/// Reads a file that a variable names.
///
/// # Errors
/// The file cannot be read. The message completes a sentence that begins with the variable's name.
pub fn read_file(path: &str) -> Result<String, String> {
    std::fs::read_to_string(path)
        .map_err(|error| format!("names {path:?}, which cannot be read ({error}; WasmEdge needs --dir for it)"))
}
