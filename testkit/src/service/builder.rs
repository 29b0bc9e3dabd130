//! Starts a service: its program, its environment, its port, and the wait until it is healthy.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Result, anyhow, bail};

use super::wasmedge::{FileAccess, wasmedge};
use super::{Runtime, Service};
use crate::http::RawConnection;
use crate::process::Process;
use crate::temp::TempDir;
use crate::wait::try_wait_for;
use crate::{aot, artifacts, ports};

/// The maximum number of starts when other processes take the port first.
const MAX_ATTEMPTS: usize = 8;

/// The configuration that a service is started with.
#[derive(Clone, Debug)]
pub struct Builder {
    runtime: Runtime,
    program: Option<PathBuf>,
    environment: Vec<(String, String)>,
    port: Option<u16>,
    log: Option<PathBuf>,
    wrapper: Vec<String>,
    startup_timeout: Duration,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            runtime: Runtime::Aot,
            program: None,
            // Tests send what they like as Host.
            environment: vec![("ALLOWED_HOSTS".to_owned(), "*".to_owned())],
            port: None,
            log: None,
            wrapper: Vec::new(),
            startup_timeout: Duration::from_secs(30),
        }
    }

    /// How it is run; [`Runtime::Aot`] by default.
    #[must_use]
    pub fn runtime(mut self, runtime: Runtime) -> Self {
        self.runtime = runtime;
        self
    }

    /// A program in place of the order service: a `.wasm` for the wasm runtimes, an executable for the native one.
    #[must_use]
    pub fn program(mut self, path: impl Into<PathBuf>) -> Self {
        self.program = Some(path.into());
        self
    }

    /// Sets an environment variable; the last value of a name wins. It inherits no variables.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        self.environment.retain(|(known, _)| *known != name);
        self.environment.push((name, value.into()));
        self
    }

    /// Sets `DATABASE_URL`.
    #[must_use]
    pub fn database_url(self, url: &str) -> Self {
        self.env("DATABASE_URL", url)
    }

    /// The port to listen on; a free one by default.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// The file its output is appended to; `/dev/full` fails every write. A temporary file by default.
    #[must_use]
    pub fn log_to(mut self, path: impl Into<PathBuf>) -> Self {
        self.log = Some(path.into());
        self
    }

    /// A command that gets the service's own command line as further arguments and replaces itself by it. For limits
    /// that a process inherits.
    #[must_use]
    pub fn wrapper(mut self, command: &[&str]) -> Self {
        self.wrapper = command.iter().map(|part| (*part).to_owned()).collect();
        self
    }

    /// The maximum time until it is healthy; 30 s by default.
    #[must_use]
    pub fn startup_timeout(mut self, timeout: Duration) -> Self {
        self.startup_timeout = timeout;
        self
    }

    /// Starts it and waits until `GET /health` returns 200.
    ///
    /// # Errors
    /// When it ends or is not healthy in time; its output is in the error.
    pub fn start(&self) -> Result<Service> {
        for _ in 0..MAX_ATTEMPTS {
            let service = self.spawn()?;
            if wait_until_healthy(&service, self.startup_timeout)? {
                return Ok(service);
            }
        }
        bail!("{MAX_ATTEMPTS} ports in a row were taken by other processes")
    }

    /// Starts it without waiting. The caller must check that it could bind its port.
    ///
    /// # Errors
    /// When its program is missing.
    pub fn spawn(&self) -> Result<Service> {
        let dir = TempDir::new()?;
        let port = self.port.map_or_else(ports::free, Ok)?;
        let log = self.log.clone().unwrap_or_else(|| dir.path().join("log"));
        let process = Process::start(&self.command(port)?, &log)?;
        Ok(Service { process, port, _dir: dir })
    }

    /// Starts it with a configuration that it must reject: its exit status and its output.
    ///
    /// # Errors
    /// When it still runs after the startup timeout.
    pub fn run_to_exit(&self) -> Result<(ExitStatus, String)> {
        let service = self.spawn()?;
        let Ok(status) = service.wait(self.startup_timeout) else {
            bail!("it should have ended, and still runs after {:?}:\n{}", self.startup_timeout, service.log());
        };
        Ok((status, service.log()))
    }

    /// The command line that runs it on `port`.
    ///
    /// # Errors
    /// When its program is missing.
    pub fn command(&self, port: u16) -> Result<Command> {
        let command = self.own_command(port)?;
        let Some((program, arguments)) = self.wrapper.split_first() else { return Ok(command) };
        let mut wrapped = Command::new(program);
        wrapped.args(arguments).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => wrapped.env(name, value),
                None => wrapped.env_remove(name),
            };
        }
        Ok(wrapped)
    }

    fn own_command(&self, port: u16) -> Result<Command> {
        let listen = ("LISTEN_ADDR".to_owned(), format!("127.0.0.1:{port}"));
        let overridden = self.environment.iter().any(|(name, _)| *name == listen.0);
        let environment = self.environment.iter().chain((!overridden).then_some(&listen));
        let program = self.program_path()?;
        if self.runtime == Runtime::Native {
            let mut command = Command::new(program);
            // Removed one by one: the wrapper that starts it needs PATH.
            for (name, _) in std::env::vars_os().filter(|(name, _)| name != "PATH") {
                command.env_remove(name);
            }
            command.envs(environment.map(|(name, value)| (name, value)));
            return Ok(command);
        }
        let mut files = FileAccess::default();
        for (name, path) in environment.clone() {
            if name.ends_with("_FILE") {
                files.allow(Path::new(path))?;
            }
        }
        Ok(wasmedge(&program, &files, environment.map(|(name, value)| (name.as_str(), value.as_str()))))
    }

    fn program_path(&self) -> Result<PathBuf> {
        let given = |default: fn() -> Result<PathBuf>| self.program.clone().map_or_else(default, Ok);
        match self.runtime {
            Runtime::Native => given(artifacts::native),
            Runtime::Interpreter => given(artifacts::wasm),
            Runtime::Aot => self.program.as_deref().map_or_else(aot::service, aot::compiled),
        }
    }
}

/// False when another process has bound its port.
fn wait_until_healthy(service: &Service, timeout: Duration) -> Result<bool> {
    let healthy = try_wait_for("200 from /health", timeout, || {
        // The response counts only if this child owns the listener.
        if is_healthy(service.port()) && service.process().listens_on(service.port()) {
            return Ok(Some(true));
        }
        match service.process().exit_status()? {
            Some(_) if !ports::is_free(service.port()) => Ok(Some(false)),
            Some(status) => bail!("the service ended ({status}) before it was healthy"),
            None => Ok(None),
        }
    });
    healthy.map_err(|error| anyhow!("{error:#}; the service's log:\n{}", service.log()))
}

fn is_healthy(port: u16) -> bool {
    let request = || -> Result<u16> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut connection = RawConnection::connect_timeout(address, Duration::from_secs(2))?;
        connection.send("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        Ok(connection.read_response()?.status())
    };
    request().is_ok_and(|status| status == 200)
}
