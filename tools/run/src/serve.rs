//! The service, from its start to Ctrl-C.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use testkit::service::wasmedge;
use testkit::{Process, TempDir, aot, artifacts};

use crate::database::Database;
use crate::say;
use crate::settings::Settings;
use crate::stop::Stop;

/// Between two looks at what was started.
const LOOK: Duration = Duration::from_millis(50);

/// How long the first answer may take before the user is told that something is slow.
const PATIENCE: Duration = Duration::from_secs(20);

/// The compiled service: made once per version of it, then there.
pub(crate) fn prepare() -> Result<PathBuf> {
    aot::compiled(&artifacts::wasm()?)
}

/// Starts the service, tells how to use it, and watches until the user has enough or something ends.
pub(crate) fn until_stopped(settings: &Settings, database: &Database, program: &Path, stop: &Stop) -> Result<()> {
    let secret = SecretFile::of(settings)?;
    let mut environment = settings.environment.clone();
    environment.push(("LISTEN_ADDR".to_owned(), settings.listen.to_string()));
    if let Some(file) = database.url_file().or(secret.path.as_ref()) {
        environment.retain(|(name, _)| name != "DATABASE_URL_FILE");
        environment.push(("DATABASE_URL_FILE".to_owned(), file.display().to_string()));
    }
    let pairs = environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let command = wasmedge(program, pairs);
    let service = Process::start_with(&command, Stdio::inherit(), Stdio::inherit())?;
    let outcome = watch(settings, database, &service, stop);
    service.kill();
    outcome
}

/// The user's `DATABASE_URL`, in a file: on WasmEdge's command line everybody on the machine could read the password.
struct SecretFile {
    path: Option<PathBuf>,
    _dir: Option<TempDir>,
}

impl SecretFile {
    fn of(settings: &Settings) -> Result<Self> {
        let Some(url) = &settings.database_url else {
            return Ok(Self { path: None, _dir: None });
        };
        let dir = TempDir::new()?;
        let path = dir.path().join("database-url");
        std::fs::write(&path, url)?;
        Ok(Self { path: Some(path), _dir: Some(dir) })
    }
}

fn watch(settings: &Settings, database: &Database, service: &Process, stop: &Stop) -> Result<()> {
    let start = Instant::now();
    let mut told = false;
    while !stop.asked() {
        if let Some(status) = service.exit_status()? {
            bail!("the service ended by itself ({status}); what it said is above");
        }
        if database.has_died() {
            bail!("MariaDB ended by itself; its last lines:\n{}", database.last_words());
        }
        thread::sleep(LOOK);
        if !told {
            let ready = answers(settings.listen, "/ready");
            told = ready || start.elapsed() > PATIENCE;
            if told {
                tell(settings.listen, ready);
            }
        }
    }
    say("");
    say("make run: stopping …");
    Ok(())
}

/// The URL, and three lines to try.
fn tell(listen: SocketAddr, ready: bool) {
    let url = match listen.ip() {
        ip if ip.is_unspecified() || ip == IpAddr::V4(Ipv4Addr::LOCALHOST) => {
            format!("http://localhost:{}", listen.port())
        }
        ip => format!("http://{}", SocketAddr::new(ip, listen.port())),
    };
    if ready {
        say(&format!("\nServing orders at {url} (WasmEdge, compiled ahead of time). Try, in another terminal:\n"));
    } else {
        say(&format!(
            "\nThe service runs at {url}, but its database does not answer yet; it goes on trying. Then try:\n"
        ));
    }
    say(&format!("  curl {url}/create_orders -X POST -d @orders.json"));
    say(&format!("  curl {url}/orders"));
    say(&format!("  curl {url}/delete_order?id=2"));
    say("\nCtrl-C stops it and keeps the data. Its log:\n");
}

fn answers(listen: SocketAddr, path: &str) -> bool {
    let ip = if listen.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { listen.ip() };
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&SocketAddr::new(ip, listen.port()), Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(3)))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok(status.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}
