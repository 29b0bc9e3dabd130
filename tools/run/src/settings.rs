//! The variables that the environment sets.

use std::env;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::variables::Variable;

/// The default address can be reached from this machine only.
const DEFAULT_LISTEN_ADDR: &str = "127.0.0.1:8080";

/// Variables that this program sets itself.
const SET_HERE: [&str; 2] = ["DATABASE_URL", "LISTEN_ADDR"];

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
    /// Reads the environment. WasmEdge passes on only the variables on its command line, so the service's table is needed.
    pub(crate) fn from_environment(table: &[Variable]) -> Result<Self> {
        Self::from(table, |name| env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn from(table: &[Variable], lookup: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let listen = parse_address(&lookup("LISTEN_ADDR").unwrap_or_else(|| DEFAULT_LISTEN_ADDR.to_owned()))?;
        let passed_on = table.iter().filter(|variable| !SET_HERE.contains(&variable.name.as_str()));
        let environment = passed_on.filter_map(|variable| {
            let value = lookup(&variable.name)?;
            // WasmEdge has no working directory, so a path must be absolute.
            let value = if variable.is_file() { absolute_path(&value) } else { value };
            Some((variable.name.clone(), value))
        });
        Ok(Self { listen, database_url: lookup("DATABASE_URL"), environment: environment.collect() })
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

    /// Rows as the module prints them.
    const TABLE: &str = r#"{"name":"DATABASE_URL","type":"url","default":null}
{"name":"DATABASE_URL_FILE","type":"file","default":null}
{"name":"LISTEN_ADDR","type":"address","default":"0.0.0.0:8080"}
{"name":"LOG_LEVEL","type":"choice","default":"info"}"#;

    fn settings(lookup: impl Fn(&str) -> Option<String>) -> Result<Settings> {
        Settings::from(&crate::variables::parse(TABLE)?, lookup)
    }

    #[test]
    fn each_variable_of_the_table_is_passed_on_except_those_set_here() -> Result<()> {
        let settings = settings(|name| (name != "LISTEN_ADDR").then(|| "x".to_owned()))?;
        let names: Vec<_> = settings.environment.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["DATABASE_URL_FILE", "LOG_LEVEL"]);
        Ok(())
    }

    #[test]
    fn a_wrong_address_is_an_error_of_one_line_that_names_the_variable() {
        let settings = settings(|name| (name == "LISTEN_ADDR").then(|| "8080".to_owned()));
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
        let settings = settings(|name| (name == "DATABASE_URL_FILE").then(|| "secret".to_owned()))?;
        assert!(settings.names_a_database());
        assert!(settings.environment.iter().any(|(_, path)| path.starts_with('/') && path.ends_with("/secret")));
        Ok(())
    }
}
