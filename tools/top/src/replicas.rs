//! Which replicas there are, and what each has answered.

use std::collections::BTreeMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::{Result, bail, ensure};
use testkit::http::Client;

use crate::metrics::Scrape;

/// Where `make run` puts the operator's listener.
const MAKE_RUN: &str = "127.0.0.1:9090";

/// The operator's port in docker-compose.yml.
const COMPOSE_PORT: u16 = 9090;

/// A replica that answers later than this is shown as silent.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Where replicas are looked for.
#[derive(Debug)]
pub(crate) enum Source {
    /// `HOST:PORT` each; every address of a name is a replica.
    Addresses(Vec<String>),
    /// The containers `orders` of the Compose project in this directory.
    Compose,
}

impl Source {
    /// The addresses of the command line; without one the replica of `make run`, else those of `make up`.
    pub(crate) fn find(arguments: &[String]) -> Result<Self> {
        if !arguments.is_empty() {
            for address in arguments {
                ensure!(address.contains(':'), "{address} is no address with a port, such as {MAKE_RUN}");
            }
            return Ok(Self::Addresses(arguments.to_vec()));
        }
        let run = Self::Addresses(vec![MAKE_RUN.to_owned()]);
        if run.replicas().iter().any(|address| is_open(*address)) {
            return Ok(run);
        }
        match Self::Compose.replicas().is_empty() {
            false => Ok(Self::Compose),
            true => bail!("neither `make run` nor `make up` is running here; elsewhere: make top ADMIN=HOST:PORT"),
        }
    }

    /// The replicas at this moment.
    pub(crate) fn replicas(&self) -> Vec<SocketAddr> {
        match self {
            Self::Addresses(addresses) => {
                let resolved = addresses.iter().filter_map(|address| address.to_socket_addrs().ok()).flatten();
                let mut all: Vec<_> = resolved.collect();
                all.sort_unstable();
                all.dedup();
                all
            }
            Self::Compose => compose_addresses().into_iter().map(|ip| SocketAddr::new(ip, COMPOSE_PORT)).collect(),
        }
    }
}

fn is_open(address: SocketAddr) -> bool {
    std::net::TcpStream::connect_timeout(&address, TIMEOUT).is_ok()
}

/// Empty where there is no Docker.
fn compose_addresses() -> Vec<std::net::IpAddr> {
    let run = |arguments: &[&str]| {
        let output = Command::new("docker").args(arguments).output().ok().filter(|output| output.status.success());
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
    };
    let containers = run(&["compose", "ps", "--quiet", "orders"]);
    let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}";
    let ids = containers.split_whitespace();
    let mut addresses: Vec<_> = ids
        .filter_map(|id| run(&["inspect", "--format", format, id]).split_whitespace().next()?.parse().ok())
        .collect();
    addresses.sort_unstable();
    addresses
}

/// The last two answers of each replica.
#[derive(Debug, Default)]
pub(crate) struct History {
    replicas: BTreeMap<SocketAddr, Answers>,
}

/// What a replica has answered.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    pub(crate) before: Option<Scrape>,
    /// The last answer, or why there is none.
    pub(crate) last: Option<Result<Scrape, String>>,
}

impl History {
    /// Asks all replicas at once.
    pub(crate) fn update(&mut self, replicas: &[SocketAddr]) {
        self.replicas.retain(|address, _| replicas.contains(address));
        let answers: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = replicas.iter().map(|address| (*address, scope.spawn(|| scrape(*address)))).collect();
            let join = |thread: thread::ScopedJoinHandle<'_, _>| thread.join().unwrap_or(Err("no answer".into()));
            threads.into_iter().map(|(address, thread)| (address, join(thread))).collect()
        });
        for (address, answer) in answers {
            let kept = self.replicas.entry(address).or_default();
            if let Some(Ok(last)) = kept.last.replace(answer) {
                kept.before = Some(last);
            }
        }
    }

    pub(crate) fn replicas(&self) -> impl Iterator<Item = (&SocketAddr, &Answers)> {
        self.replicas.iter()
    }
}

fn scrape(address: SocketAddr) -> Result<Scrape, String> {
    let client = Client::with_timeout(&format!("http://{address}"), TIMEOUT);
    let token = token();
    let authorization = token.as_ref().map(|token| format!("Bearer {token}"));
    let headers: Vec<_> = authorization.iter().map(|value| ("authorization", value.as_str())).collect();
    let at = Instant::now();
    let response = client.send("GET", "/metrics", &headers, None).map_err(|error| format!("no answer: {error:#}"))?;
    match response.status {
        200 => Ok(Scrape::parse(&response.text(), at)),
        401 | 403 => Err("needs an operator's token: OPERATOR_TOKEN_FILE=operator-token make top".to_owned()),
        status => Err(format!("status {status} at /metrics")),
    }
}

/// The first line of `OPERATOR_TOKEN_FILE`, as `make down` takes it.
fn token() -> Option<String> {
    let file = env::var("OPERATOR_TOKEN_FILE").unwrap_or_else(|_| "operator-token".to_owned());
    let token = fs::read_to_string(file).ok()?.lines().next()?.trim().to_owned();
    (!token.is_empty()).then_some(token)
}
