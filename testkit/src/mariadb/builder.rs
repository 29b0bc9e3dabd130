//! Installs and starts a MariaDB server.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use super::{MariaDb, Tls};
use crate::ports;
use crate::process::{Process, exists};
use crate::temp::TempDir;
use crate::wait::try_wait_for;

/// The maximum number of starts when other processes take the port first.
const MAX_ATTEMPTS: usize = 8;

/// The timeout of a start, crash recovery included.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(60);

/// Small buffers and files make a new server start quickly.
const SMALL_SERVER_OPTIONS: [&str; 6] = [
    "--innodb-log-file-size=8M",
    "--innodb-undo-tablespaces=0",
    "--innodb-buffer-pool-size=64M",
    "--key-buffer-size=1M",
    "--aria-pagecache-buffer-size=8M",
    "--performance-schema=OFF",
];

/// Faster, and sufficient for tests: commits survive a crash of the server, but not of the machine.
const NON_DURABLE_OPTIONS: [&str; 3] =
    ["--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--sync-binlog=0"];

/// The configuration that a server is started with.
#[derive(Clone, Debug)]
pub struct Builder {
    data: Option<PathBuf>,
    options: Vec<String>,
    password: String,
    port: Option<u16>,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self { data: None, options: Vec::new(), password: String::new(), port: None }
    }

    /// A data directory that is kept; it is created if it is missing. The server is then durable: each commit reaches
    /// the disk.
    #[must_use]
    pub fn data_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.data = Some(path.into());
        self
    }

    /// An option of `mariadbd`, such as `--max-connections=5`; a later one wins over an earlier one.
    #[must_use]
    pub fn option(mut self, option: impl Into<String>) -> Self {
        self.options.push(option.into());
        self
    }

    /// Offers TLS with that certificate. With [`Tls::required`], refuses connections without it.
    #[must_use]
    pub fn tls(self, tls: &Tls) -> Self {
        tls.options().into_iter().fold(self, Self::option)
    }

    /// The password of `root`: letters, digits, `-` and `_` only. None by default.
    #[must_use]
    pub fn root_password(mut self, password: impl Into<String>) -> Self {
        self.password = password.into();
        self
    }

    /// The port; a free one by default.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    pub(super) fn password(&self) -> &str {
        &self.password
    }

    /// Creates the data directory if it is missing, starts the server and waits for its greeting.
    ///
    /// # Errors
    /// When the programs are missing or the server does not start; its log is in the error.
    pub fn start(self) -> Result<MariaDb> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        anyhow::ensure!(self.password.chars().all(allowed), "a password may have letters, digits, - and _ only");
        let dir = TempDir::new()?;
        let data = self.data.clone().unwrap_or_else(|| dir.path().join("data"));
        self.install(&dir, &data)?;
        for _ in 0..MAX_ATTEMPTS {
            let port = self.port.map_or_else(ports::free, Ok)?;
            let process = self.launch(&dir, &data, port)?;
            if wait_until_up(&process, port)? {
                let process = Mutex::new(Some(Arc::new(process)));
                return Ok(MariaDb { config: self, dir, data, port, process, databases: AtomicUsize::new(0) });
            }
        }
        bail!("{MAX_ATTEMPTS} ports in a row were taken by other processes")
    }

    /// Creates the data directory under another name and renames it when it is complete. An interrupted first start
    /// therefore leaves no incomplete database.
    fn install(&self, dir: &TempDir, data: &Path) -> Result<()> {
        if data.exists() {
            return Ok(());
        }
        let partial = data.with_extension("partial");
        if partial.exists() {
            fs::remove_dir_all(&partial)?;
        }
        let mut command = Command::new("mariadb-install-db");
        command.args([
            "--no-defaults",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
            // The machine need not be able to resolve its own name; a minimal container is not.
            "--force",
        ]);
        command.arg(format!("--datadir={}", partial.display())).arg(format!("--tmpdir={}", dir.path().display()));
        command.args(SMALL_SERVER_OPTIONS).args(user_option()).stdin(Stdio::null());
        let output = command.output().context("cannot run mariadb-install-db")?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            bail!("mariadb-install-db ended with {}:\n{text}", output.status);
        }
        fs::rename(&partial, data).with_context(|| format!("cannot create {}", data.display()))
    }

    pub(super) fn launch(&self, dir: &TempDir, data: &Path, port: u16) -> Result<Process> {
        let init = dir.path().join("init.sql");
        let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&init)?;
        file.write_all(init_statements(&self.password).as_bytes())?;
        let mut command = Command::new(server_program());
        command.args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve", "--skip-log-bin"]);
        command.arg(format!("--datadir={}", data.display())).arg(format!("--tmpdir={}", dir.path().display()));
        command.arg(format!("--socket={}", dir.path().join("socket").display())).arg(format!("--port={port}"));
        command.arg(format!("--pid-file={}", dir.path().join("pid").display()));
        command.arg(format!("--init-file={}", init.display()));
        command.args(SMALL_SERVER_OPTIONS).args(user_option());
        if self.data.is_none() {
            command.args(NON_DURABLE_OPTIONS);
        }
        command.args(&self.options);
        Process::start(&command, &log_path(dir))
    }
}

/// Removes the accounts without a password that a new data directory has, and sets the password of `root`.
fn init_statements(password: &str) -> String {
    format!(
        "DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host NOT IN ('localhost', '127.0.0.1'));\n\
         FLUSH PRIVILEGES;\n\
         CREATE USER IF NOT EXISTS 'root'@'127.0.0.1';\n\
         GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;\n\
         ALTER USER 'root'@'localhost' IDENTIFIED BY '{password}';\n\
         ALTER USER 'root'@'127.0.0.1' IDENTIFIED BY '{password}';\n"
    )
}

/// Debian installs it in a directory that is not in a user's PATH.
fn server_program() -> &'static str {
    if exists("mariadbd".as_ref()) { "mariadbd" } else { "/usr/sbin/mariadbd" }
}

/// `mariadbd` runs as root only with this option.
fn user_option() -> Option<&'static str> {
    rustix::process::geteuid().is_root().then_some("--user=root")
}

pub(super) fn log_path(dir: &TempDir) -> PathBuf {
    dir.path().join("log")
}

/// False when another process has bound its port.
pub(super) fn wait_until_up(process: &Process, port: u16) -> Result<bool> {
    let started = try_wait_for("MariaDB's greeting", STARTUP_TIMEOUT, || {
        if sends_greeting(port) && process.listens_on(port) {
            return Ok(Some(true));
        }
        match process.exit_status()? {
            Some(_) if !ports::is_free(port) => Ok(Some(false)),
            Some(status) => bail!("mariadbd ended ({status}) before its greeting"),
            None => Ok(None),
        }
    });
    started.map_err(|error| anyhow!("{error:#}; MariaDB's log:\n{}", process.log()))
}

/// Whether a server sends its greeting on `port`: in this protocol the server sends first.
fn sends_greeting(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) else {
        return false;
    };
    stream.set_read_timeout(Some(Duration::from_secs(2))).is_ok() && stream.read_exact(&mut [0; 5]).is_ok()
}
