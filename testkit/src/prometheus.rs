//! A real Prometheus that scrapes services on this machine, and questions to one.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::http::Client;
use crate::{Process, TempDir, artifacts, ports, wait_until};

/// The rules that it loads.
pub const RULES: &str = "deploy/prometheus/rules.yml";

const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A Prometheus with the project's rules. It scrapes each second.
#[derive(Debug)]
pub struct Prometheus {
    client: Client,
    process: Process,
    _directory: TempDir,
}

impl Prometheus {
    /// Starts one whose targets are these addresses, in the job that the rules are for.
    ///
    /// # Errors
    /// When Prometheus is not installed or does not start.
    pub fn start(targets: &[String]) -> Result<Self> {
        let directory = TempDir::new()?;
        let file = directory.path().join("prometheus.yml");
        fs::write(&file, configuration(targets)?)?;
        let address = format!("127.0.0.1:{}", ports::free()?);
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", file.display()));
        command.arg(format!("--storage.tsdb.path={}", directory.path().join("data").display()));
        command.args([&format!("--web.listen-address={address}"), "--log.level=warn"]);
        let process = Process::start(&command, &directory.path().join("log"))?;
        let client = Client::new(&format!("http://{address}"));
        wait_until("Prometheus", START_TIMEOUT, || {
            !process.is_running() || client.get("/-/ready").is_ok_and(|response| response.status == 200)
        })?;
        ensure!(process.is_running(), "Prometheus ended:\n{}", process.log());
        Ok(Self { client, process, _directory: directory })
    }

    /// A client of its HTTP API.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What it logged: warnings and errors.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }
}

fn configuration(targets: &[String]) -> Result<String> {
    let rules = artifacts::root().join(RULES);
    let targets = serde_json::to_string(targets)?;
    Ok(format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
         rule_files: [{}]\n\
         scrape_configs:\n  - job_name: order-service\n    static_configs: [{{targets: {targets}}}]\n",
        rules.display()
    ))
}

/// The series that a query has at this moment: an array of objects with `metric` and `value`.
///
/// # Errors
/// When Prometheus does not answer, or the query is not valid.
pub fn query(client: &Client, expression: &str) -> Result<Vec<Value>> {
    let body = format!("query={}", percent_encode(expression));
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let response = client.send("POST", "/api/v1/query", &form, Some(body.as_bytes()))?;
    let answer: Value = serde_json::from_slice(&response.body).with_context(|| response.summary())?;
    let result = answer.pointer("/data/result").and_then(Value::as_array);
    result.cloned().with_context(|| format!("{expression}: {}", response.summary()))
}

/// The value of each series of [`query`].
///
/// # Errors
/// As [`query`].
pub fn values(client: &Client, expression: &str) -> Result<Vec<f64>> {
    let number = |series: Value| series.pointer("/value/1").and_then(Value::as_str).and_then(|text| text.parse().ok());
    query(client, expression)?.into_iter().map(|series| number(series).context("a series without a value")).collect()
}

/// Runs `promtool`, Prometheus' checks, in the project's root, with this file as its input.
///
/// # Errors
/// When it is not installed or finds something.
pub fn promtool(arguments: &[&str], input: &Path) -> Result<()> {
    let mut command = Command::new("promtool");
    command.args(arguments).current_dir(artifacts::root()).stdin(fs::File::open(input)?);
    let output = command.output().context("cannot run promtool: scripts/deps.sh test installs it")?;
    let texts = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    ensure!(output.status.success(), "promtool {}: {}\n{}", arguments.join(" "), output.status, texts.concat());
    Ok(())
}

fn percent_encode(text: &str) -> String {
    let encoded = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encoded).collect()
}
