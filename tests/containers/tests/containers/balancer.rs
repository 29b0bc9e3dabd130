//! HAProxy's runtime API: the state of its servers, and its counters.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::Result;
use testkit::sandbox::NetworkNamespace;

use crate::support::{Docker, Project};

/// `stats socket` in `deploy/compose/haproxy.cfg`, in the container's network.
const RUNTIME_API: &str = "127.0.0.1:9999";

/// The running load balancer of a project.
pub(crate) struct Balancer {
    network: NetworkNamespace,
}

/// Sums over the frontend (requests, responses) and the backend (errors, retries).
pub(crate) struct Counters {
    pub(crate) requests: u64,
    pub(crate) responses_5xx: u64,
    pub(crate) connection_errors: u64,
    pub(crate) response_errors: u64,
    pub(crate) retries: u64,
    pub(crate) redispatches: u64,
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} requests, {} 5xx responses, {} connection errors, {} response errors, {} retries, {} redispatches",
            self.requests,
            self.responses_5xx,
            self.connection_errors,
            self.response_errors,
            self.retries,
            self.redispatches
        )
    }
}

/// A line of `show stat`, by column.
type Statistics = HashMap<String, String>;

impl Balancer {
    pub(crate) fn of(docker: &Docker, project: &Project<'_>) -> Self {
        Self { network: docker.network_of(&project.containers("balancer")[0]) }
    }

    /// The addresses of the servers that receive requests.
    pub(crate) fn servers_up(&self) -> Result<HashSet<String>> {
        let statistics = self.statistics()?;
        let up = |name: &str| {
            statistics.iter().any(|line| line["pxname"] == "orders" && line["svname"] == name && line["status"] == "UP")
        };
        let servers = self.query("show servers state orders")?;
        let fields = servers.lines().skip(2).map(|line| line.split_whitespace().collect::<Vec<_>>());
        Ok(fields.filter(|line| line.len() > 4 && up(line[3])).map(|line| line[4].to_owned()).collect())
    }

    pub(crate) fn counters(&self) -> Result<Counters> {
        let statistics = self.statistics()?;
        let count = |section: &str, column: &str| {
            let lines = statistics.iter().filter(|line| line["svname"] == section);
            lines.filter_map(|line| line[column].parse::<u64>().ok()).sum()
        };
        Ok(Counters {
            requests: count("FRONTEND", "req_tot"),
            responses_5xx: count("FRONTEND", "hrsp_5xx"),
            connection_errors: count("BACKEND", "econ"),
            response_errors: count("BACKEND", "eresp"),
            retries: count("BACKEND", "wretr"),
            redispatches: count("BACKEND", "wredis"),
        })
    }

    fn statistics(&self) -> Result<Vec<Statistics>> {
        let csv = self.query("show stat")?;
        let mut lines = csv.trim_start_matches("# ").lines().map(|line| line.split(',').map(str::to_owned));
        let columns: Vec<String> = lines.next().into_iter().flatten().collect();
        let lines = lines.filter(|line| line.clone().count() >= columns.len());
        Ok(lines.map(|line| columns.iter().cloned().zip(line).collect()).collect())
    }

    fn query(&self, command: &str) -> Result<String> {
        self.network.run(|| {
            let mut connection = TcpStream::connect(RUNTIME_API)?;
            writeln!(connection, "{command}")?;
            let mut response = String::new();
            connection.read_to_string(&mut response)?;
            Ok(response)
        })
    }
}
