//! The configuration of one run: the service's variables that the environment sets.

use std::env;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::variables::Variable;

/// The default address can be reached from this machine only.
const DEFAULT_LISTEN_ADDR: &str = "127.0.0.1:8080";

/// Where the operator's listener is unless the environment names another address, or something else has the port. `make
/// top` looks there.
pub(crate) const DEFAULT_ADMIN_ADDR: &str = "127.0.0.1:9090";

/// Variables that this program sets itself: where to listen, and the database's URL in a file.
const SET_HERE: [&str; 2] = ["DATABASE_URL", "LISTEN_ADDR"];

/// The configuration of one run.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) listen: SocketAddr,
    /// The value of `DATABASE_URL`.
    pub(crate) database_url: Option<String>,
    /// Variables to pass on to the service.
    pub(crate) environment: Vec<(String, String)>,
    /// The files that they name.
    pub(crate) files: Vec<PathBuf>,
}

impl Settings {
    /// Reads those of the service's variables that the environment sets.
    pub(crate) fn from_environment(variables: &[Variable]) -> Result<Self> {
        let mut settings = Self::read(variables, |name| env::var(name).ok().filter(|value| !value.is_empty()))?;
        settings.choose_admin_addr();
        Ok(settings)
    }

    /// Sets the default address where the environment has none, and the port is free.
    fn choose_admin_addr(&mut self) {
        let is_free = || !DEFAULT_ADMIN_ADDR.ends_with(&format!(":{}", self.listen.port()));
        if self.admin_addr().is_none() && is_free() && TcpListener::bind(DEFAULT_ADMIN_ADDR).is_ok() {
            self.environment.push(("ADMIN_ADDR".to_owned(), DEFAULT_ADMIN_ADDR.to_owned()));
        }
    }

    /// Where the operator's listener will be.
    pub(crate) fn admin_addr(&self) -> Option<&str> {
        self.environment.iter().find(|(name, _)| name == "ADMIN_ADDR").map(|(_, value)| value.as_str())
    }

    fn read(variables: &[Variable], value: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let listen = parse_address(&value("LISTEN_ADDR").unwrap_or_else(|| DEFAULT_LISTEN_ADDR.to_owned()))?;
        let database_url = value("DATABASE_URL");
        // The service's own message. It would see only one of them: the other goes into a file, too.
        ensure!(
            database_url.is_none() || value("DATABASE_URL_FILE").is_none(),
            "DATABASE_URL_FILE is set as well as DATABASE_URL; set one of them"
        );
        let (mut environment, mut files) = (Vec::new(), Vec::new());
        for variable in variables.iter().filter(|variable| !SET_HERE.contains(&variable.name.as_str())) {
            let Some(value) = value(&variable.name) else { continue };
            // Other users of the machine can read WasmEdge's command line. The path of a secret file may be there.
            let is_allowed = variable.is_file || !variable.is_secret;
            let file = format!("{}_FILE", variable.name);
            let advice = match variables.iter().any(|variable| variable.name == file) {
                true => format!("put it into a file, and name that in {file}"),
                false => {
                    "others could read it in the list of processes, so make run does not pass it on; unset it".into()
                }
            };
            ensure!(is_allowed, "{} is secret: {advice}", variable.name);
            let value = if variable.is_file { real_path(&value) } else { value };
            if variable.is_file {
                files.push(PathBuf::from(&value));
            }
            environment.push((variable.name.clone(), value));
        }
        Ok(Self { listen, database_url, environment, files })
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

/// WasmEdge has no working directory, so the paths of files must be absolute. It follows no symbolic link that leaves
/// the directories which it may read, so the path must have none.
fn real_path(path: &str) -> String {
    let real = std::fs::canonicalize(path).or_else(|_| std::path::absolute(Path::new(path)));
    real.map_or_else(|_| path.to_owned(), |real| real.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str, is_file: bool, is_secret: bool) -> Variable {
        Variable { name: name.to_owned(), is_file, is_secret }
    }

    fn variables() -> Vec<Variable> {
        let secret = variable("DATABASE_URL", false, true);
        let files = [variable("DATABASE_URL_FILE", true, true), variable("DATABASE_CA_FILE", true, false)];
        let others = ["LISTEN_ADDR", "LOG_LEVEL", "MAX_STREAMS"].map(|name| variable(name, false, false));
        [secret].into_iter().chain(files).chain(others).collect()
    }

    #[test]
    fn every_variable_that_is_set_is_passed_on_once() -> Result<()> {
        let unset = |name: &str| name == "LISTEN_ADDR" || name == "DATABASE_URL";
        let settings = Settings::read(&variables(), |name| (!unset(name)).then(|| "x".to_owned()))?;
        let names: Vec<_> = settings.environment.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["DATABASE_URL_FILE", "DATABASE_CA_FILE", "LOG_LEVEL", "MAX_STREAMS"]);
        assert_eq!((settings.database_url, settings.files.len()), (None, 2));
        assert_eq!(Settings::read(&variables(), |_| None)?.environment, []);
        Ok(())
    }

    #[test]
    fn two_sources_of_the_database_url_are_an_error() {
        let settings = Settings::read(&variables(), |name| name.starts_with("DATABASE_URL").then(|| "x".to_owned()));
        let line = settings.map(drop).map_err(|error| error.to_string());
        assert_eq!(line, Err("DATABASE_URL_FILE is set as well as DATABASE_URL; set one of them".to_owned()));
    }

    #[test]
    fn a_symbolic_link_is_followed_before_the_start() -> Result<()> {
        let dir = testkit::TempDir::new()?;
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        std::fs::write(&file, "")?;
        std::os::unix::fs::symlink(&file, &link)?;
        assert_eq!(Path::new(&real_path(&link.display().to_string())), std::fs::canonicalize(&file)?);
        Ok(())
    }

    #[test]
    fn a_secret_is_not_passed_on_by_the_command_line() {
        let secret = [variable("TOKEN", false, true)];
        let refused = Settings::read(&secret, |name| (name == "TOKEN").then(|| "x".to_owned()));
        let line = refused.map(drop).map_err(|error| error.to_string()).err().unwrap_or_default();
        assert!(line.starts_with("TOKEN is secret: others could read it"), "{line}");
        let with_file = [variable("TOKEN", false, true), variable("TOKEN_FILE", true, true)];
        let refused = Settings::read(&with_file, |name| (name == "TOKEN").then(|| "x".to_owned()));
        let line = refused.map(drop).map_err(|error| error.to_string()).err().unwrap_or_default();
        assert_eq!(line, "TOKEN is secret: put it into a file, and name that in TOKEN_FILE");
    }

    #[test]
    fn a_wrong_address_is_an_error_of_one_line_that_names_the_variable() {
        let settings = Settings::read(&variables(), |name| (name == "LISTEN_ADDR").then(|| "8080".to_owned()));
        let line = settings.map(drop).map_err(|error| error.to_string());
        let expected = "LISTEN_ADDR=8080 is not an address with a port, such as 127.0.0.1:8080";
        assert_eq!(line, Err(expected.to_owned()));
    }

    #[test]
    fn a_port_in_use_is_an_error_of_one_line_with_a_command_that_works() -> Result<()> {
        let taken = TcpListener::bind("127.0.0.1:0")?;
        let listen = taken.local_addr()?;
        let settings = Settings { listen, database_url: None, environment: Vec::new(), files: Vec::new() };
        let line = settings.check_address().map_err(|error| error.to_string()).err().unwrap_or_default();
        assert!(line.contains("is in use") && line.contains("LISTEN_ADDR=127.0.0.1:"), "{line}");
        Ok(())
    }

    #[test]
    fn the_operators_listener_never_takes_the_services_own_port() -> Result<()> {
        let of = |name: &str, value: &str| {
            let (name, value) = (name.to_owned(), value.to_owned());
            let admin = [variable("ADMIN_ADDR", false, false)];
            let mut settings = Settings::read(&admin, |asked| (asked == name).then(|| value.clone()))?;
            settings.choose_admin_addr();
            anyhow::Ok(settings.admin_addr().map(str::to_owned))
        };
        assert_eq!(of("LISTEN_ADDR", DEFAULT_ADMIN_ADDR)?, None);
        assert_eq!(of("ADMIN_ADDR", "127.0.0.1:1")?.as_deref(), Some("127.0.0.1:1"));
        Ok(())
    }

    #[test]
    fn a_file_is_passed_on_with_its_absolute_path() -> Result<()> {
        let settings = Settings::read(&variables(), |name| (name == "DATABASE_URL_FILE").then(|| "secret".to_owned()))?;
        assert!(settings.names_a_database());
        assert!(settings.environment.iter().any(|(_, path)| path.starts_with('/') && path.ends_with("/secret")));
        Ok(())
    }
}
