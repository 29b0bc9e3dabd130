//! How a service is started: its program, its environment, its port, and the wait until it serves.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::{Runtime, Service};
use crate::process::Process;
use crate::temp::TempDir;
use crate::{aot, artifacts, ports};

/// Starts that are tried when another process takes the port first.
const ATTEMPTS: usize = 8;

/// Collects what the service is started with.
#[derive(Clone, Debug)]
pub struct Builder {
    runtime: Runtime,
    program: Option<PathBuf>,
    environment: Vec<(String, String)>,
    port: Option<u16>,
    log: Option<PathBuf>,
    deadline: Duration,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            runtime: Runtime::Aot,
            program: None,
            environment: Vec::new(),
            port: None,
            log: None,
            deadline: Duration::from_secs(30),
        }
    }

    /// What runs it; [`Runtime::Aot`] if not said.
    #[must_use]
    pub fn runtime(mut self, runtime: Runtime) -> Self {
        self.runtime = runtime;
        self
    }

    /// Another program than the order service: a `.wasm` for the wasm runtimes, an executable for the native one.
    #[must_use]
    pub fn program(mut self, path: impl Into<PathBuf>) -> Self {
        self.program = Some(path.into());
        self
    }

    /// Sets a variable of its environment, which is empty otherwise; the last value of a name wins.
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

    /// The port to listen on; a free one if not said.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// The file its output is appended to, `/dev/full` for one that cannot be written; one of its own if not said.
    #[must_use]
    pub fn log_to(mut self, path: impl Into<PathBuf>) -> Self {
        self.log = Some(path.into());
        self
    }

    /// How long it may take until it answers; 30 s if not said.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Starts it and waits until `GET /health` answers 200.
    ///
    /// # Errors
    /// When it ends or does not answer in time; its output is in the error.
    pub fn start(&self) -> Result<Service> {
        for _ in 0..ATTEMPTS {
            let service = self.launch()?;
            if wait_until_healthy(&service, self.deadline)? {
                return Ok(service);
            }
        }
        bail!("{ATTEMPTS} ports in a row were taken by other processes")
    }

    /// Starts it without waiting for anything; nobody checks that it got its port.
    ///
    /// # Errors
    /// When its program is not there.
    pub fn launch(&self) -> Result<Service> {
        let dir = TempDir::new()?;
        let port = self.port.map_or_else(ports::free, Ok)?;
        let log = self.log.clone().unwrap_or_else(|| dir.path().join("log"));
        let process = Process::start(&self.command(port)?, &log)?;
        Ok(Service { process, port, _dir: dir })
    }

    /// Starts it and waits for its end, which a wrong configuration must bring about: the status and all it wrote.
    ///
    /// # Errors
    /// When it still runs after the deadline.
    pub fn start_expecting_exit(&self) -> Result<(ExitStatus, String)> {
        let service = self.launch()?;
        let Ok(status) = service.wait(self.deadline) else {
            bail!("it runs on after {:?}, and should have ended:\n{}", self.deadline, service.log());
        };
        Ok((status, service.log()))
    }

    /// The command line that runs it on `port`.
    ///
    /// # Errors
    /// When its program is not there.
    pub fn command(&self, port: u16) -> Result<Command> {
        let listen = ("LISTEN_ADDR".to_owned(), format!("127.0.0.1:{port}"));
        let asked = self.environment.iter().any(|(name, _)| *name == listen.0);
        let environment = self.environment.iter().chain((!asked).then_some(&listen));
        let program = self.program_path()?;
        if self.runtime == Runtime::Native {
            let mut command = Command::new(program);
            // Cleared by name: the wrapper that starts it needs PATH.
            for (name, _) in std::env::vars_os().filter(|(name, _)| name != "PATH") {
                command.env_remove(name);
            }
            command.envs(environment.map(|(name, value)| (name, value)));
            return Ok(command);
        }
        Ok(wasmedge(&program, environment.map(|(name, value)| (name.as_str(), value.as_str()))))
    }

    fn program_path(&self) -> Result<PathBuf> {
        let given = |default: fn() -> Result<PathBuf>| self.program.clone().map_or_else(default, Ok);
        match self.runtime {
            Runtime::Native => given(artifacts::native),
            Runtime::Interpreter => given(artifacts::wasm),
            Runtime::Aot => aot::compiled(&given(artifacts::wasm)?),
        }
    }
}

/// `wasmedge` with the host's files and the given environment: it hands over neither by itself.
#[must_use]
pub fn wasmedge<'a>(program: &Path, environment: impl Iterator<Item = (&'a str, &'a str)>) -> Command {
    let mut command = Command::new("wasmedge");
    command.args(["--dir", "/:/"]);
    for (name, value) in environment {
        command.arg("--env").arg(format!("{name}={value}"));
    }
    command.arg(program);
    command
}

/// False when another process has its port: then another one must be tried.
fn wait_until_healthy(service: &Service, limit: Duration) -> Result<bool> {
    let deadline = Instant::now() + limit;
    loop {
        // In this order: an answer counts only when the listener is this child's.
        if answers(service.port()) && service.process().listens_on(service.port()) {
            return Ok(true);
        }
        if let Some(status) = service.process().exit_status()? {
            if !ports::is_free(service.port()) {
                return Ok(false);
            }
            bail!("the service ended ({status}) before it answered:\n{}", service.log());
        }
        if Instant::now() >= deadline {
            bail!("the service did not answer /health within {limit:?}:\n{}", service.log());
        }
        thread::sleep(Duration::from_millis(2));
    }
}

fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok(status.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}
