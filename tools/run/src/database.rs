//! The database: a private MariaDB under `.run/`, or the one that the user names.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use testkit::{MariaDb, artifacts};

use crate::home::Home;
use crate::say;
use crate::settings::Settings;

/// Where the service finds its orders.
#[derive(Debug)]
pub(crate) enum Database {
    /// Given by the user's environment.
    Given,
    /// Started here.
    Private {
        server: Box<MariaDb>,
        /// Holds the URL: on a command line everybody on the machine could read the password.
        url_file: PathBuf,
        /// Keeps other runs out until the server is gone.
        _home: Home,
    },
}

/// `.run/`, taken, when a private database is wanted.
pub(crate) fn home_if_needed(settings: &Settings) -> Result<Option<Home>> {
    if settings.names_a_database() {
        return Ok(None);
    }
    Home::take(&artifacts::root().join(".run")).map(Some)
}

impl Database {
    /// Starts the private one in `home`, if there is one.
    pub(crate) fn open(home: Option<Home>) -> Result<Self> {
        let Some(home) = home else {
            return Ok(Self::Given);
        };
        let start = Instant::now();
        let data = home.join("mariadb");
        let state = if data.exists() { "with the data of before" } else { "new" };
        let password = home.password()?;
        let server = MariaDb::builder().data_dir(&data).root_password(&password).start();
        let server = server.with_context(|| format!("MariaDB does not start with the data in {}", data.display()))?;
        prepare(&server, &password)?;
        let url = format!("mysql://orders:{password}@127.0.0.1:{}/orders", server.port());
        let url_file = home.write("database-url", &url)?;
        let seconds = start.elapsed().as_secs_f64();
        say(&format!("MariaDB: private, {state} in {}, port {} ({seconds:.1} s)", data.display(), server.port()));
        Ok(Self::Private { server: Box::new(server), url_file, _home: home })
    }

    /// The file that holds its URL, unless the user named one.
    pub(crate) fn url_file(&self) -> Option<&PathBuf> {
        match self {
            Self::Given => None,
            Self::Private { url_file, .. } => Some(url_file),
        }
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_died(&self) -> bool {
        matches!(self, Self::Private { server, .. } if !server.is_running())
    }

    /// What it wrote last.
    pub(crate) fn last_words(&self) -> String {
        let Self::Private { server, .. } = self else {
            return String::new();
        };
        let log = server.log();
        let lines: Vec<_> = log.lines().rev().take(20).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// Stops what was started here, cleanly.
    pub(crate) fn close(self) -> Result<()> {
        match self {
            Self::Given => Ok(()),
            Self::Private { server, .. } => server.stop().context("MariaDB had to be killed"),
        }
    }
}

/// The database and the service's own account in it, which may do nothing elsewhere.
fn prepare(server: &MariaDb, password: &str) -> Result<()> {
    server.create_database("orders")?;
    let account = "'orders'@'127.0.0.1'";
    server.sql(
        "",
        &format!(
            "CREATE USER IF NOT EXISTS {account}; ALTER USER {account} IDENTIFIED BY '{password}'; \
             GRANT ALL PRIVILEGES ON orders.* TO {account}"
        ),
    )?;
    Ok(())
}
