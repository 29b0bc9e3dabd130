//! A private MariaDB server with its own data directory, socket and port.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::Process;
use crate::sync::lock;
use crate::temp::TempDir;

mod builder;
mod tls;

pub use builder::Builder;
pub use tls::Tls;

/// The timeout of a clean shutdown, which writes all data to disk.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);

/// A MariaDB server on 127.0.0.1. Drop kills it and removes its data, unless the caller chose the data directory.
#[derive(Debug)]
pub struct MariaDb {
    // Fields are dropped in this order: the server must end before its directory is removed.
    process: Mutex<Option<Arc<Process>>>,
    config: Builder,
    /// The socket, the log, and the data by default.
    dir: TempDir,
    data: PathBuf,
    port: u16,
    databases: AtomicUsize,
}

impl MariaDb {
    /// A server with an empty data directory.
    ///
    /// # Errors
    /// When the programs are missing or the server does not start; its log is in the error.
    pub fn start() -> Result<Self> {
        Self::builder().start()
    }

    /// A server to be configured and started.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// The server that all tests of this process share. Each test uses a [`MariaDb::fresh_database`].
    ///
    /// # Errors
    /// When it does not start; every caller gets the same error.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<MariaDb, String>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| Self::start().map_err(|error| format!("{error:#}")));
        shared.as_ref().map_err(|error| anyhow::anyhow!("the shared MariaDB: {error}"))
    }

    /// Its TCP port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its URL for the administrator: `mysql://root@127.0.0.1:PORT/database`.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let colon = if self.config.password().is_empty() { "" } else { ":" };
        format!("mysql://root{colon}{}@127.0.0.1:{}/{database}", self.config.password(), self.port)
    }

    /// The same through another address, such as a proxy's.
    #[must_use]
    pub fn url_via(&self, host: &str, port: u16, database: &str) -> String {
        self.url(database).replace(&format!("@127.0.0.1:{}/", self.port), &format!("@{host}:{port}/"))
    }

    /// Creates a database unless it exists.
    ///
    /// # Errors
    /// When the statement fails or the server does not run.
    pub fn create_database(&self, name: &str) -> Result<()> {
        self.sql("", &format!("CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb4")).map(drop)
    }

    /// Creates a database with a new name and returns the name.
    ///
    /// # Errors
    /// When the statement fails or the server does not run.
    pub fn fresh_database_name(&self) -> Result<String> {
        let name = format!("t{}", self.databases.fetch_add(1, Ordering::Relaxed) + 1);
        self.create_database(&name)?;
        Ok(name)
    }

    /// Creates a database with a new name and returns its URL.
    ///
    /// # Errors
    /// When the statement fails or the server does not run.
    pub fn fresh_database(&self) -> Result<String> {
        Ok(self.url(&self.fresh_database_name()?))
    }

    /// Runs `statement` through the socket, in `database` unless that is empty. Returns one line per row, with tabs
    /// between fields.
    ///
    /// # Errors
    /// When the statement fails, with the server's message, or the server does not run.
    pub fn sql(&self, database: &str, statement: &str) -> Result<String> {
        let mut command = Command::new("mariadb");
        command.arg("--no-defaults").arg(format!("--socket={}", self.socket().display()));
        command.args(["--user=root", "--batch", "--skip-column-names", "--default-character-set=utf8mb4"]);
        command.args(["--execute", statement]).env("MYSQL_PWD", self.config.password());
        if !database.is_empty() {
            command.arg(database);
        }
        let output = command.output().context("cannot run mariadb")?;
        if !output.status.success() {
            bail!("{statement}: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Its Unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("socket")
    }

    /// Its data directory.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data
    }

    /// Its process id while it is started.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process().map(|process| process.pid())
    }

    /// Whether it is running.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.process().is_some_and(|process| process.is_running())
    }

    /// The log of all its starts.
    #[must_use]
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.log_path()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Shuts it down cleanly.
    ///
    /// # Errors
    /// When SIGKILL was necessary.
    pub fn stop(&self) -> Result<()> {
        let process = lock(&self.process).take();
        process.map_or(Ok(()), |process| process.terminate(SHUTDOWN_TIMEOUT).map(drop))
    }

    /// Ends it with SIGKILL, like a crash.
    pub fn kill(&self) {
        if let Some(process) = lock(&self.process).take() {
            process.kill();
        }
    }

    /// Starts it again, with the same data and port, after [`MariaDb::stop`] or [`MariaDb::kill`].
    ///
    /// # Errors
    /// When it still runs or does not start.
    pub fn start_again(&self) -> Result<()> {
        if self.is_running() {
            bail!("MariaDB on port {} is already running", self.port);
        }
        let process = self.config.launch(&self.dir, &self.data, self.port)?;
        let started = builder::wait_until_up(&process, self.port)?;
        *lock(&self.process) = Some(Arc::new(process));
        if started { Ok(()) } else { bail!("another process took port {}", self.port) }
    }

    /// Freezes it (SIGSTOP): connections stay open and get no response.
    pub fn pause(&self) {
        if let Some(process) = self.process() {
            process.pause();
        }
    }

    /// Thaws it (SIGCONT).
    pub fn resume(&self) {
        if let Some(process) = self.process() {
            process.resume();
        }
    }

    fn process(&self) -> Option<Arc<Process>> {
        lock(&self.process).clone()
    }

    fn log_path(&self) -> PathBuf {
        builder::log_path(&self.dir)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_survive_a_shutdown_and_a_crash() -> Result<()> {
        let db = MariaDb::start()?;
        db.create_database("kept")?;
        db.sql("kept", "CREATE TABLE t (i INT); INSERT INTO t VALUES (1), (2)")?;
        db.stop()?;
        assert!(db.sql("kept", "SELECT 1").is_err());
        db.start_again()?;
        assert_eq!(db.sql("kept", "SELECT i, 'x' FROM t ORDER BY i")?, "1\tx\n2\tx\n");
        db.kill();
        db.start_again()?;
        assert_eq!(db.sql("kept", "SELECT COUNT(*) FROM t")?, "2\n");
        Ok(())
    }

    #[test]
    fn every_test_has_its_own_database_on_the_shared_server() -> Result<()> {
        let db = MariaDb::shared()?;
        assert_ne!(db.fresh_database()?, db.fresh_database()?);
        Ok(())
    }

    #[test]
    fn a_login_without_the_password_fails() -> Result<()> {
        let db = MariaDb::builder().root_password("s3cret").start()?;
        assert_eq!(db.sql("", "SELECT 1")?, "1\n");
        let status = Command::new("mariadb")
            .args(["--no-defaults", "-uroot", "-e", "SELECT 1", "-h127.0.0.1", &format!("-P{}", db.port())])
            .output()?;
        assert!(!status.status.success());
        Ok(())
    }
}
