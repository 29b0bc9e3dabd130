//! From a variable's text to its value; each error says what is wanted.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use mysql_async::{Opts, UrlError};
use webpki_roots::Authorities;

use crate::telemetry::{Format, Level};

/// The longest time that may be set: a bound that is never reached is no bound.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("must be true or false".into()),
    }
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "must be an IP address and a port".into())
}

pub(super) fn count(text: &str, range: RangeInclusive<usize>) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|count| range.contains(count))
        .ok_or_else(|| format!("must be a whole number from {} to {}", range.start(), range.end()))
}

/// A duration that may be nothing.
pub(super) fn delay(text: &str) -> Result<Duration, String> {
    if matches!(text, "0s" | "0ms" | "0m") { Ok(Duration::ZERO) } else { duration(text) }
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let number_end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(number_end);
    let unit = match unit {
        "ms" => Duration::from_millis(1),
        "s" => Duration::from_secs(1),
        "m" => Duration::from_secs(60),
        _ => return Err("must be a number with ms, s or m behind it".into()),
    };
    number
        .parse()
        .ok()
        .and_then(|number| unit.checked_mul(number))
        .filter(|duration| *duration > Duration::ZERO && *duration <= LONGEST)
        .ok_or_else(|| "must be more than nothing and at most a day".into())
}

pub(super) fn size(text: &str, range: RangeInclusive<usize>) -> Result<usize, String> {
    let (number, unit) = match (text.strip_suffix("MiB"), text.strip_suffix("KiB")) {
        (Some(number), _) => (number, 1024 * 1024),
        (_, Some(number)) => (number, 1024),
        _ => (text, 1),
    };
    number
        .parse::<usize>()
        .ok()
        .and_then(|number| number.checked_mul(unit))
        .filter(|size| range.contains(size))
        .ok_or_else(|| format!("must be a size in bytes, KiB or MiB from {} to {} bytes", range.start(), range.end()))
}

/// An origin as browsers send it (RFC 6454 §7): scheme, host and port, nothing behind them; or `*`.
pub(super) fn origin(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |host: &str| !host.is_empty() && host.bytes().all(|b| b.is_ascii_graphic() && !b"/?#@,".contains(&b));
    if text == "*" || host.is_some_and(plain) {
        Ok(text.to_owned())
    } else {
        Err("must be one origin (scheme, host and port, no path) or *".into())
    }
}

pub(super) fn fatal_exit(text: &str) -> Result<(), String> {
    match text {
        "status" | "trap" => Ok(()),
        _ => Err("must be status or trap".into()),
    }
}

pub(super) fn log_format(text: &str) -> Result<Format, String> {
    match text {
        "auto" => Ok(Format::Auto),
        "json" => Ok(Format::Json),
        "text" => Ok(Format::Text),
        _ => Err("must be auto, json or text".into()),
    }
}

pub(super) fn log_level(text: &str) -> Result<Level, String> {
    match text {
        "error" => Ok(Level::ERROR),
        "warn" => Ok(Level::WARN),
        "info" => Ok(Level::INFO),
        "debug" => Ok(Level::DEBUG),
        _ => Err("must be error, warn, info or debug".into()),
    }
}

pub(super) fn file(path: &str) -> Result<String, String> {
    std::fs::read_to_string(path)
        .map_err(|error| format!("names {path:?}, which cannot be read ({error}; WasmEdge needs --dir for it)"))
}

/// The authorities in a PEM file.
pub(super) fn authorities(path: &str) -> Result<Authorities, String> {
    Authorities::from_pem(file(path)?.as_bytes()).map_err(|problem| format!("the file {problem}"))
}

/// The database's URL. No error shows any of it.
pub(super) fn database_url(url: &str) -> Result<Opts, String> {
    let opts = Opts::from_url(url).map_err(|error| match error {
        UrlError::UnsupportedScheme { .. } => "must start with mysql://".to_owned(),
        // Not even a parameter's name: it may be half of a password that has a question mark in it.
        UrlError::UnknownParameter { .. } => {
            "has a parameter that is not known (a ? in a password is written %3F)".to_owned()
        }
        UrlError::InvalidParamValue { .. } => "has a wrong value for a parameter".to_owned(),
        UrlError::FeatureRequired { .. } => "has a parameter that this build does not support".to_owned(),
        UrlError::InvalidPoolConstraints { .. } | UrlError::Invalid | UrlError::Parse(_) => {
            "is not a complete URL".to_owned()
        }
    })?;
    if opts.db_name().is_none_or(str::is_empty) {
        return Err("must name a database after the host".into());
    }
    if opts.socket().is_some() {
        return Err("must not name a socket: WASI has TCP only".into());
    }
    Ok(opts)
}
