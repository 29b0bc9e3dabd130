//! What the environment asks for.

use std::env;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::Path;

use anyhow::{Result, bail};

/// Only this machine, unless `LISTEN_ADDR` says otherwise.
const LISTEN: &str = "127.0.0.1:8080";

/// The service's own table of variables: what it documents is passed on, since WasmEdge hands over only what is named.
const DOCUMENTED: &str = include_str!("../../../src/config.rs");

/// Variables that this program sets itself.
const OWN: [&str; 2] = ["DATABASE_URL", "LISTEN_ADDR"];

/// Variables that name a file: WasmEdge has no working directory, so the path must be whole.
const FILES: [&str; 2] = ["DATABASE_URL_FILE", "DATABASE_CA_FILE"];

/// What to serve, where, and with what.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) listen: SocketAddr,
    /// `DATABASE_URL`, when the user has a database already.
    pub(crate) database_url: Option<String>,
    /// Variables for the service.
    pub(crate) environment: Vec<(String, String)>,
}

impl Settings {
    pub(crate) fn from_environment() -> Result<Self> {
        Self::from(|name| env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn from(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let listen = parse_address(&variable("LISTEN_ADDR").unwrap_or_else(|| LISTEN.to_owned()))?;
        let plain = passed_on().filter_map(|name| Some((name.to_owned(), variable(name)?)));
        let files = FILES.iter().filter_map(|name| Some(((*name).to_owned(), whole_path(&variable(name)?))));
        Ok(Self { listen, database_url: variable("DATABASE_URL"), environment: plain.chain(files).collect() })
    }

    /// Whether the user names a database, so that none is started.
    pub(crate) fn names_a_database(&self) -> bool {
        self.database_url.is_some() || self.environment.iter().any(|(name, _)| name == "DATABASE_URL_FILE")
    }

    /// Says at once that the address cannot be served.
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

/// The names in the table, less those that need more than being handed over.
fn passed_on() -> impl Iterator<Item = &'static str> {
    let rows = DOCUMENTED.lines().filter_map(|line| line.strip_prefix("//! | `")?.split_once('`'));
    rows.map(|(name, _)| name).filter(|name| !OWN.contains(name) && !FILES.contains(name))
}

fn parse_address(text: &str) -> Result<SocketAddr> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let by_name = text.to_socket_addrs().ok().and_then(|mut found| found.find(SocketAddr::is_ipv4));
    by_name.ok_or_else(|| anyhow::anyhow!("LISTEN_ADDR={text} is no address and port, such as {LISTEN}"))
}

fn whole_path(path: &str) -> String {
    std::path::absolute(Path::new(path)).map_or_else(|_| path.to_owned(), |whole| whole.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_that_the_service_documents_is_passed_on_once() -> Result<()> {
        let settings = Settings::from(|name| (name != "LISTEN_ADDR").then(|| "x".to_owned()))?;
        let names: Vec<_> = settings.environment.iter().map(|(name, _)| name.as_str()).collect();
        for name in ["ALLOW_RESET", "LOG_LEVEL", "DATABASE_CA_FILE", "MAX_STREAMS"] {
            assert_eq!(names.iter().filter(|known| **known == name).count(), 1, "{name} of {names:?}");
        }
        assert!(!names.contains(&"LISTEN_ADDR") && !names.contains(&"DATABASE_URL"));
        Ok(())
    }

    #[test]
    fn a_wrong_address_is_one_line_that_names_the_variable() {
        let settings = Settings::from(|name| (name == "LISTEN_ADDR").then(|| "8080".to_owned()));
        let line = settings.map(drop).map_err(|error| error.to_string());
        assert_eq!(line, Err("LISTEN_ADDR=8080 is no address and port, such as 127.0.0.1:8080".to_owned()));
    }

    #[test]
    fn a_busy_port_is_one_line_that_says_what_to_type() -> Result<()> {
        let taken = TcpListener::bind("127.0.0.1:0")?;
        let listen = taken.local_addr()?;
        let settings = Settings { listen, database_url: None, environment: Vec::new() };
        let line = settings.check_address().map_err(|error| error.to_string()).err().unwrap_or_default();
        assert!(line.contains("is in use") && line.contains("LISTEN_ADDR=127.0.0.1:"), "{line}");
        Ok(())
    }

    #[test]
    fn a_named_file_is_passed_on_with_its_whole_path() -> Result<()> {
        let settings = Settings::from(|name| (name == "DATABASE_URL_FILE").then(|| "secret".to_owned()))?;
        assert!(settings.names_a_database());
        assert!(settings.environment.iter().any(|(_, path)| path.starts_with('/') && path.ends_with("/secret")));
        Ok(())
    }
}
