//! The variables that the environment sets.

use std::env;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::Path;

use anyhow::{Context, Result, bail};

/// The default address can be reached from this machine only.
const DEFAULT_LISTEN_ADDR: &str = "127.0.0.1:8080";

/// The service's own table of variables: WasmEdge passes on only those that are named on its command line.
const DOCUMENTED: &str = include_str!("../../../src/config.rs");

/// Variables that this program sets itself.
const SET_HERE: [&str; 2] = ["DATABASE_URL", "LISTEN_ADDR"];

/// Variables that name a file. WasmEdge has no working directory, so the path must be absolute.
const FILES: [&str; 2] = ["DATABASE_URL_FILE", "DATABASE_CA_FILE"];

/// The configuration of one run.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) listen: SocketAddr,
    /// The value of `DATABASE_URL`.
    pub(crate) database_url: Option<String>,
    /// Variables to pass on to the service.
    pub(crate) environment: Vec<(String, String)>,
}

impl Settings {
    pub(crate) fn from_environment() -> Result<Self> {
        Self::from(|name| env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn from(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let listen = parse_address(&variable("LISTEN_ADDR").unwrap_or_else(|| DEFAULT_LISTEN_ADDR.to_owned()))?;
        let plain = passed_on().filter_map(|name| Some((name.to_owned(), variable(name)?)));
        let files = FILES.iter().filter_map(|name| Some(((*name).to_owned(), absolute_path(&variable(name)?))));
        Ok(Self { listen, database_url: variable("DATABASE_URL"), environment: plain.chain(files).collect() })
    }

    /// Whether the user names a database. If not, a private one is started.
    pub(crate) fn names_a_database(&self) -> bool {
        self.database_url.is_some() || self.environment.iter().any(|(name, _)| name == "DATABASE_URL_FILE")
    }

    /// Fails when the service could not listen on its address.
    pub(crate) fn check_address(&self) -> Result<()> {
        match TcpListener::bind(self.listen) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => bail!(
                "port {} is in use by another program; choose another one: LISTEN_ADDR={} make run",
                self.listen.port(),
                SocketAddr::new(self.listen.ip(), self.listen.port().wrapping_add(1).max(1024))
            ),
            Err(error) => bail!("cannot listen on {}: {error}; choose another address with LISTEN_ADDR", self.listen),
        }
    }
}

/// The names in the table, except those that are not passed on as they are.
fn passed_on() -> impl Iterator<Item = &'static str> {
    let rows = DOCUMENTED.lines().filter_map(|line| line.strip_prefix("//! | `")?.split_once('`'));
    rows.map(|(name, _)| name).filter(|name| !SET_HERE.contains(name) && !FILES.contains(name))
}

fn parse_address(text: &str) -> Result<SocketAddr> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let mut resolved = text.to_socket_addrs().into_iter().flatten();
    let message = || format!("LISTEN_ADDR={text} is not an address with a port, such as {DEFAULT_LISTEN_ADDR}");
    resolved.find(SocketAddr::is_ipv4).with_context(message)
}

fn absolute_path(path: &str) -> String {
    std::path::absolute(Path::new(path)).map_or_else(|_| path.to_owned(), |absolute| absolute.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_variable_is_passed_on_once() -> Result<()> {
        let settings = Settings::from(|name| (name != "LISTEN_ADDR").then(|| "x".to_owned()))?;
        let names: Vec<_> = settings.environment.iter().map(|(name, _)| name.as_str()).collect();
        for name in ["ALLOW_RESET", "LOG_LEVEL", "DATABASE_CA_FILE", "MAX_STREAMS"] {
            assert_eq!(names.iter().filter(|known| **known == name).count(), 1, "{name} of {names:?}");
        }
        assert!(!names.contains(&"LISTEN_ADDR") && !names.contains(&"DATABASE_URL"));
        Ok(())
    }

    #[test]
    fn a_wrong_address_is_an_error_of_one_line_that_names_the_variable() {
        let settings = Settings::from(|name| (name == "LISTEN_ADDR").then(|| "8080".to_owned()));
        let line = settings.map(drop).map_err(|error| error.to_string());
        let expected = "LISTEN_ADDR=8080 is not an address with a port, such as 127.0.0.1:8080";
        assert_eq!(line, Err(expected.to_owned()));
    }

    #[test]
    fn a_port_in_use_is_an_error_of_one_line_with_a_command_that_works() -> Result<()> {
        let taken = TcpListener::bind("127.0.0.1:0")?;
        let listen = taken.local_addr()?;
        let settings = Settings { listen, database_url: None, environment: Vec::new() };
        let line = settings.check_address().map_err(|error| error.to_string()).err().unwrap_or_default();
        assert!(line.contains("is in use") && line.contains("LISTEN_ADDR=127.0.0.1:"), "{line}");
        Ok(())
    }

    #[test]
    fn a_file_is_passed_on_with_its_absolute_path() -> Result<()> {
        let settings = Settings::from(|name| (name == "DATABASE_URL_FILE").then(|| "secret".to_owned()))?;
        assert!(settings.names_a_database());
        assert!(settings.environment.iter().any(|(_, path)| path.starts_with('/') && path.ends_with("/secret")));
        Ok(())
    }
}
