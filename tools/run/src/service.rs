//! The service process, from its start to Ctrl-C.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use testkit::http::Client;
use testkit::service::{FileAccess, wasmedge};
use testkit::{Process, TempDir, aot};

use crate::database::Database;
use crate::print_line;
use crate::settings::{DEFAULT_ADMIN_ADDR, Settings};
use crate::signals::StopSignal;

/// Interval between two checks of the processes and the stop signal.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// After this time `/ready` is requested at this interval only: each request without a database is a line in the log.
const SLOW_START: Duration = Duration::from_secs(1);

/// Without a 200 from `/ready` within this time, a message says that the database does not respond.
const READY_TIMEOUT: Duration = Duration::from_secs(20);

/// The timeout of one request to `/ready`.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);

/// The ahead-of-time compiled service; compiled once per version of the module.
pub(crate) fn compile() -> Result<PathBuf> {
    aot::service()
}

/// Starts the service, prints how to use it, and returns when a stop signal arrives or a process exits.
pub(crate) fn run_until_stopped(
    settings: &Settings,
    database: &Database,
    program: &Path,
    stop: &StopSignal,
) -> Result<()> {
    let secret = SecretFile::write(settings)?;
    let mut environment = settings.environment.clone();
    environment.push(("LISTEN_ADDR".to_owned(), settings.listen.to_string()));
    let url_file = database.url_file().or(secret.path.as_ref());
    if let Some(file) = url_file {
        environment.push(("DATABASE_URL_FILE".to_owned(), file.display().to_string()));
    }
    let mut files = FileAccess::default();
    for file in settings.files.iter().map(PathBuf::as_path).chain(url_file.map(PathBuf::as_path)) {
        files.allow(file)?;
    }
    let pairs = environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let command = wasmedge(program, &files, pairs);
    let service = Process::start_with(&command, Stdio::inherit(), Stdio::inherit())?;
    let outcome = supervise(settings, database, &service, stop);
    service.kill();
    outcome
}

/// The user's `DATABASE_URL` in a file: other users of the machine can read WasmEdge's command line.
struct SecretFile {
    path: Option<PathBuf>,
    _dir: Option<TempDir>,
}

impl SecretFile {
    fn write(settings: &Settings) -> Result<Self> {
        let Some(url) = &settings.database_url else {
            return Ok(Self { path: None, _dir: None });
        };
        let dir = TempDir::new()?;
        let path = dir.path().join("database-url");
        std::fs::write(&path, url)?;
        Ok(Self { path: Some(path), _dir: Some(dir) })
    }
}

fn supervise(settings: &Settings, database: &Database, service: &Process, stop: &StopSignal) -> Result<()> {
    let started = Instant::now();
    let (mut announced, mut next_request) = (false, started);
    while !stop.received() {
        if let Some(status) = service.exit_status()? {
            bail!("the service exited by itself ({status}); its output is above");
        }
        if database.has_exited() {
            bail!("MariaDB exited by itself; its last lines:\n{}", database.recent_log());
        }
        thread::sleep(POLL_INTERVAL);
        if !announced && Instant::now() >= next_request {
            let ready = is_ready(settings.listen);
            announced = ready || started.elapsed() > READY_TIMEOUT;
            if announced {
                announce(settings, ready);
            }
            if started.elapsed() > SLOW_START {
                next_request = Instant::now() + SLOW_START;
            }
        }
    }
    print_line("");
    print_line("make run: stopping the service and the database …");
    Ok(())
}

/// Prints the URL and the requests of the walkthrough.
fn announce(settings: &Settings, ready: bool) {
    let listen = settings.listen;
    let url = match listen.ip() {
        ip if ip.is_unspecified() || ip == IpAddr::V4(Ipv4Addr::LOCALHOST) => {
            format!("http://localhost:{}", listen.port())
        }
        ip => format!("http://{}", SocketAddr::new(ip, listen.port())),
    };
    if ready {
        print_line(&format!(
            "\nThe service is ready at {url} (WasmEdge, compiled ahead of time). Try in another terminal:\n"
        ));
    } else {
        print_line(&format!(
            "\nThe service runs at {url}, but its database does not respond yet; it keeps trying. Then try:\n"
        ));
    }
    print_line(&format!("  curl {url}/create_orders -X POST -d @orders.json"));
    print_line(&format!("  curl {url}/orders"));
    print_line(&format!("  curl {url}/delete_order?id=2"));
    if let Some(address) = settings.admin_addr() {
        print_line("\nIts figures, live, and those for Prometheus:\n");
        let argument = if address == DEFAULT_ADMIN_ADDR { String::new() } else { format!(" ADMIN={address}") };
        print_line(&format!("  make top{argument}"));
        print_line(&format!("  curl http://{address}/metrics"));
    }
    print_line("\nCtrl-C stops it and keeps the data. The log of the service follows.\n");
}

fn is_ready(listen: SocketAddr) -> bool {
    let ip = if listen.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { listen.ip() };
    let client = Client::with_timeout(&format!("http://{}", SocketAddr::new(ip, listen.port())), REQUEST_TIMEOUT);
    client.get("/ready").is_ok_and(|response| response.status == 200)
}
