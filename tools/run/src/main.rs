//! `make run`: the order service in WasmEdge, with a MariaDB of its own under `.run/` or the one of `DATABASE_URL`.
//!
//! | room | what is in it |
//! |---|---|
//! | `settings` | what the environment asks for |
//! | `home` | `.run/`: one user at a time, a password that is kept |
//! | `database` | the private MariaDB, or the given one |
//! | `serve` | the service, from its start to Ctrl-C |
//!
//! What is wrong is one line on standard error and status 1. Ctrl-C, SIGTERM and SIGHUP end all that was started, status 0.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;

mod database;
mod home;
mod serve;
mod settings;
mod stop;

use database::Database;
use settings::Settings;
use stop::Stop;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("make run: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let stop = Stop::on_signals()?;
    let settings = Settings::from_environment()?;
    // Before anything takes time: what cannot work is said at once.
    let home = database::home_if_needed(&settings)?;
    settings.check_address()?;
    let program = serve::prepare()?;
    if stop.asked() {
        return Ok(());
    }
    let database = Database::open(home)?;
    let outcome = serve::until_stopped(&settings, &database, &program, &stop);
    let stopped = database.close();
    say("make run: all stopped");
    outcome.and(stopped)
}

/// A line for the user. A terminal that has gone away is no reason to end badly.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
