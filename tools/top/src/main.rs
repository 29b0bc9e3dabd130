//! `make top`: what the replicas of a service do, live in the terminal, from `GET /metrics` of each.
//!
//! | module | contents |
//! |---|---|
//! | `replicas` | where replicas are looked for, and what they have answered |
//! | `metrics` | a scrape, and what lies between two of them |
//! | `screen` | the figures as text |
//!
//! On a terminal the figures stay in place until Ctrl-C. Elsewhere, or with `--once`, they are printed below each
//! other.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use signal_hook::consts::{SIGINT, SIGTERM};

mod metrics;
mod replicas;
mod screen;

use replicas::{History, Source};

/// The time between two scrapes.
const INTERVAL: Duration = Duration::from_secs(1);

/// How soon Ctrl-C has an effect.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// To the upper left corner; clear from there on; hide and show the cursor.
const HOME: &str = "\x1b[H";
const CLEAR_LINE_END: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";
const CLEAR_ALL: &str = "\x1b[2J";
const HIDE_CURSOR: &str = "\x1b[?25l";
const SHOW_CURSOR: &str = "\x1b[?25h";

const HELP: &str = "\
Usage: top [--once] [HOST:PORT …]

Shows what the replicas of a service do, each second, from /metrics of their operator's listeners (ADMIN_ADDR). Every
address of a name is a replica. Without an address: the replica of `make run`, else those of `make up`.

  --once   prints the figures of one second, and ends

OPERATOR_TOKEN_FILE names a file with a token, where /metrics needs one (default: operator-token, if it exists).

pool: connections to the database in use + idle / bound. loop gap: the longest time in which the process asked for no
events, in the last minute.
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "make top: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help") {
        let _ = io::stdout().write_all(HELP.as_bytes());
        return Ok(());
    }
    let once = arguments.iter().any(|argument| argument == "--once");
    arguments.retain(|argument| argument != "--once");
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let source = Source::find(&arguments)?;
    let mut screen = Screen::open(!once && io::stdout().is_terminal());
    let mut history = History::default();
    history.update(&source.replicas());
    while wait(&stop) {
        history.update(&source.replicas());
        // A reader that is gone ends the program.
        if screen.show(&screen::render(&history)).is_err() || once {
            break;
        }
    }
    Ok(())
}

/// Waits for the next scrape. False where the program is to end.
fn wait(stop: &AtomicBool) -> bool {
    let end = Instant::now() + INTERVAL;
    while Instant::now() < end && !stop.load(Ordering::Relaxed) {
        thread::sleep(POLL_INTERVAL);
    }
    !stop.load(Ordering::Relaxed)
}

/// Standard output. On a terminal each picture takes the place of the last one.
struct Screen {
    is_terminal: bool,
}

impl Screen {
    fn open(is_terminal: bool) -> Self {
        if is_terminal {
            let _ = write!(io::stdout(), "{HIDE_CURSOR}{CLEAR_ALL}");
        }
        Self { is_terminal }
    }

    fn show(&mut self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if !self.is_terminal {
            return writeln!(out, "{text}").and_then(|()| out.flush());
        }
        let (columns, rows) = rustix::termios::tcgetwinsize(io::stdout())
            .map_or((80, 24), |size| (usize::from(size.ws_col), usize::from(size.ws_row)));
        write!(out, "{HOME}")?;
        for line in text.lines().take(rows.saturating_sub(1)) {
            let shown: String = line.chars().take(columns).collect();
            write!(out, "{shown}{CLEAR_LINE_END}\r\n")?;
        }
        write!(out, "{CLEAR_BELOW}")?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.is_terminal {
            let _ = write!(io::stdout(), "{SHOW_CURSOR}");
        }
    }
}
