//! `make run`: the order service in WasmEdge, with a private MariaDB under `.run/` or the database of `DATABASE_URL`.
//!
//! | module | contents |
//! |---|---|
//! | `variables` | the service's table of variables, which its module prints |
//! | `settings` | the variables that the environment sets |
//! | `state_dir` | `.run/`: a lock against a second run, the private database's password |
//! | `database` | the private MariaDB, or the user's own |
//! | `service` | the service process, from its start to Ctrl-C |
//! | `signals` | Ctrl-C, SIGTERM and SIGHUP |
//!
//! An error is one line on standard error and exit status 1. Ctrl-C, SIGTERM and SIGHUP stop all processes; the exit
//! status is 0.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use testkit::artifacts;

mod database;
mod service;
mod settings;
mod signals;
mod state_dir;
mod variables;

use database::Database;
use settings::Settings;
use signals::StopSignal;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_line(&format!("make run: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let stop = StopSignal::register()?;
    let settings = Settings::from_environment(&variables::read_from(&artifacts::wasm()?)?)?;
    // These checks come before the slow steps, so their errors are reported at once.
    let state_dir = database::state_dir_if_needed(&settings)?;
    settings.check_address()?;
    let program = service::compile()?;
    if stop.received() {
        return Ok(());
    }
    let database = Database::open(state_dir)?;
    let outcome = service::run_until_stopped(&settings, &database, &program, &stop);
    let stopped = database.close();
    print_line("make run: all processes are stopped");
    outcome.and(stopped)
}

/// Prints a line for the user. A closed terminal is not an error.
fn print_line(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
