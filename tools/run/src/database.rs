//! The database: a private MariaDB under `.run/`, or the one that the user's environment names.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use testkit::{MariaDb, artifacts};

use crate::print_line;
use crate::settings::Settings;
use crate::state_dir::StateDir;

/// Lines of MariaDB's log that an error message shows.
const LOG_LINES: usize = 20;

/// The database that the service uses.
#[derive(Debug)]
pub(crate) enum Database {
    /// Named by the user's environment.
    External,
    /// Started here.
    Private {
        server: Box<MariaDb>,
        /// Holds the URL with the password: other users of the machine can read command lines.
        url_file: PathBuf,
        /// Locked until the server has stopped.
        _state_dir: StateDir,
    },
}

/// `.run/`, locked, unless the user names a database.
pub(crate) fn state_dir_if_needed(settings: &Settings) -> Result<Option<StateDir>> {
    if settings.names_a_database() {
        return Ok(None);
    }
    StateDir::lock(&artifacts::root().join(".run")).map(Some)
}

impl Database {
    /// Starts a private MariaDB in `state_dir`, if there is one.
    pub(crate) fn open(state_dir: Option<StateDir>) -> Result<Self> {
        let Some(state_dir) = state_dir else {
            print_line("Database: the one that the environment names");
            return Ok(Self::External);
        };
        let data = state_dir.join("mariadb");
        let is_new = !data.exists();
        let password = state_dir.password()?;
        let server = start(&data, &password, is_new)?;
        create_account(&server, &password)?;
        if !is_new {
            print_kept_orders(&server);
        }
        let url = format!("mysql://orders:{password}@127.0.0.1:{}/orders", server.port());
        let url_file = state_dir.write("database-url", &url)?;
        Ok(Self::Private { server: Box::new(server), url_file, _state_dir: state_dir })
    }

    /// The file that holds the private database's URL.
    pub(crate) fn url_file(&self) -> Option<&PathBuf> {
        match self {
            Self::External => None,
            Self::Private { url_file, .. } => Some(url_file),
        }
    }

    /// Whether the private MariaDB has exited by itself.
    pub(crate) fn has_exited(&self) -> bool {
        matches!(self, Self::Private { server, .. } if !server.is_running())
    }

    /// The last lines of the private MariaDB's log.
    pub(crate) fn recent_log(&self) -> String {
        let Self::Private { server, .. } = self else {
            return String::new();
        };
        let log = server.log();
        let lines: Vec<_> = log.lines().collect();
        lines.get(lines.len().saturating_sub(LOG_LINES)..).unwrap_or_default().join("\n")
    }

    /// Shuts the private MariaDB down cleanly.
    pub(crate) fn close(self) -> Result<()> {
        match self {
            Self::External => Ok(()),
            Self::Private { server, .. } => server.stop().context("MariaDB had to be killed"),
        }
    }
}

fn start(data: &Path, password: &str, is_new: bool) -> Result<MariaDb> {
    let started = Instant::now();
    let server = MariaDb::builder().data_dir(data).root_password(password).start();
    let server = server.with_context(|| format!("MariaDB does not start with the data in {}", data.display()))?;
    let (state, seconds) = (if is_new { "new" } else { "existing" }, started.elapsed().as_secs_f64());
    print_line(&format!(
        "Database: private MariaDB on port {}, {state} data in {}, started in {seconds:.1} s",
        server.port(),
        data.display()
    ));
    Ok(server)
}

/// Creates the database and the service's account, which has no rights elsewhere.
fn create_account(server: &MariaDb, password: &str) -> Result<()> {
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

/// Warns in one line that the walkthrough's `create_orders` fails with 409 on kept data.
fn print_kept_orders(server: &MariaDb) {
    // The table is missing when the service has never run on these data.
    let count = server.sql("orders", "SELECT COUNT(*) FROM orders").ok();
    if let Some(line) = count.and_then(|count| kept_orders(count.trim().parse().ok()?)) {
        print_line(&line);
    }
}

fn kept_orders(count: u64) -> Option<String> {
    let orders = match count {
        0 => return None,
        1 => "1 order".to_owned(),
        _ => format!("{count} orders"),
    };
    Some(format!(
        "The data of the last run are kept in .run/ ({orders}): create_orders of the walkthrough answers 409 for ids \
         that exist; `make clean-data` starts afresh."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_orders_are_announced_with_the_way_to_remove_them() {
        assert_eq!(kept_orders(0), None);
        assert!(kept_orders(1).is_some_and(|line| line.contains("(1 order)") && line.contains("make clean-data")));
        assert!(kept_orders(5).is_some_and(|line| line.contains("(5 orders)")));
    }
}
