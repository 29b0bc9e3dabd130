//! `make bench-cluster`: time from a pod's creation until it is ready, wasm under crun beside native, on a private
//! Kubernetes cluster.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use cluster::images::ImageBuilder;
use cluster::{Cluster, overlay};
use fastrand::Rng;
use serde_json::{Value, json};
use testkit::http::{Client, RawConnection};
use testkit::{Process, machine, try_wait_for};

use crate::plan::Plan;
use crate::print_line;
use crate::report::{Report, milliseconds};
use crate::round_order::shuffled;

/// `kubectl proxy` serves the API without TLS here, in the cluster's network namespace.
const API: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8001);
const PODS: &str = "/api/v1/namespaces/order-service/pods";

/// The overlays whose pods are compared, and their names in the table.
const OVERLAYS: [(&str, &str); 2] = [("crun", "AOT, crun"), ("native", "native, runc")];

const EVENT_TIMEOUT: Duration = Duration::from_secs(60);
const ROLLOUT_TIMEOUT: Duration = Duration::from_secs(120);

/// The times until the service listens and until the pod is ready.
type Times = (Duration, Duration);

/// Measures everything and writes it into the page.
pub(crate) fn measure(plan: &Plan) -> Result<()> {
    let start = Instant::now();
    let (cluster, templates) = prepare()?;
    let machine = machine::describe_with(&[
        format!("kubernetes: {}", server_version(&cluster)?),
        format!("containerd: {}", machine::first_line("containerd", &["--version"])?),
        format!(
            "runtimes: {}, {}",
            machine::first_line("crun", &["--version"])?,
            machine::first_line("runc", &["--version"])?
        ),
    ])?;
    let _proxy = start_proxy(&cluster)?;
    let samples = measure_pods(&cluster, &templates, plan)?;
    let mut report = Report::new("make bench-cluster");
    report.add(table(&samples));
    let method = format!("{} pods of each variant, in an order that a seed shuffles", plan.starts);
    report.write(&machine, plan, &method, start.elapsed())
}

fn measure_pods(cluster: &Cluster, templates: &[Value; 2], plan: &Plan) -> Result<[(&'static str, Vec<Times>); 2]> {
    print_line(&format!("pod creation to ready, {} times each", plan.starts));
    let mut samples = OVERLAYS.map(|(_, name)| (name, Vec::new()));
    let (mut rng, mut number) = (Rng::with_seed(34), 0);
    // The first round is a warm-up.
    for round in 0..=plan.starts {
        for index in shuffled(&mut rng, &[0, 1]) {
            number += 1;
            let (Some((name, all)), Some(template)) = (samples.get_mut(index), templates.get(index)) else { continue };
            let times = time_pod(template, &format!("bench-{number}"))
                .with_context(|| format!("{name}\n{}", cluster.describe()))?;
            if round > 0 {
                all.push(times);
            }
        }
    }
    Ok(samples)
}

/// The version of the API server.
fn server_version(cluster: &Cluster) -> Result<String> {
    let versions: Value = serde_json::from_str(&cluster.kubectl(&["version", "--output=json"])?)?;
    let version = versions.pointer("/serverVersion/gitVersion").and_then(Value::as_str);
    Ok(version.context("a server without a version")?.to_owned())
}

/// A cluster with both images on its node and the database ready, and each overlay's pod template.
fn prepare() -> Result<(Cluster, [Value; 2])> {
    let cluster = Cluster::start()?;
    cluster.push_images()?;
    ImageBuilder::start(cluster.node())?.push_native()?;
    cluster.deploy(cluster::service::APPLY)?;
    let mut templates = [Value::Null, Value::Null];
    for ((name, _), template) in OVERLAYS.into_iter().zip(&mut templates) {
        cluster.apply(&overlay(name))?;
        cluster.wait_for_rollout("deployment/order-service", ROLLOUT_TIMEOUT)?;
        let deployment = cluster.kubectl(&["get", "deployment", "order-service", "--output=json"])?;
        let deployment: Value = serde_json::from_str(&deployment)?;
        *template = deployment.pointer("/spec/template").context("a deployment without a pod template")?.clone();
    }
    cluster.kubectl(&["delete", "deployment", "order-service", "--cascade=foreground"])?;
    Ok((cluster, templates))
}

/// Starts `kubectl proxy`. This thread is in the cluster's network namespace from then on.
fn start_proxy(cluster: &Cluster) -> Result<Process> {
    let mut command = cluster.kubectl_command();
    command.args(["proxy", &format!("--port={}", API.port())]);
    let proxy = Process::start(&command, &cluster.dir().join("proxy.log"))?;
    cluster.node().enter_network()?;
    let client = client();
    try_wait_for("kubectl proxy", EVENT_TIMEOUT, || {
        ensure!(proxy.is_running(), "kubectl proxy:\n{}", proxy.log());
        Ok(client.get("/version").ok().filter(|response| response.status == 200))
    })?;
    Ok(proxy)
}

fn client() -> Client {
    Client::new(&format!("http://{API}"))
}

/// Creates the pod, waits until it is ready, deletes it and waits until it is gone.
fn time_pod(template: &Value, name: &str) -> Result<Times> {
    // Without its labels, the pod does not belong to the Deployment or the Service.
    let metadata = json!({"name": name, "annotations": template.pointer("/metadata/annotations")});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template.get("spec")});
    let client = client();
    let (start, clock) = (Instant::now(), SystemTime::now());
    client.post(PODS, pod.to_string())?.require_status(201)?;
    let events =
        format!("{PODS}?watch=1&timeoutSeconds={}&fieldSelector=metadata.name={name}", EVENT_TIMEOUT.as_secs());
    wait_for_event(&events, |_, pod| is_ready(pod))?;
    let ready = start.elapsed();
    let log = client.get(&format!("{PODS}/{name}/log"))?.require_status(200)?.text();
    let listening = time_to_listening(&log, clock).with_context(|| format!("the log has no start:\n{log}"))?;
    // A short grace period, so that the node is idle when the next pod starts.
    client.delete(&format!("{PODS}/{name}?gracePeriodSeconds=1"))?.require_status(200)?;
    wait_for_event(&events, |kind, _| kind == "DELETED")?;
    Ok((listening, ready))
}

/// Reads the API's events until one is `wanted`. A chunk of the response is not necessarily a whole line.
fn wait_for_event(path: &str, wanted: impl Fn(&str, &Value) -> bool) -> Result<()> {
    let mut connection = RawConnection::connect_timeout(API, EVENT_TIMEOUT)?;
    connection.send(format!("GET {path} HTTP/1.1\r\nHost: {API}\r\nConnection: close\r\n\r\n"))?;
    let head = connection.read_head()?;
    ensure!(head.status == 200 && head.is_chunked(), "GET {path}: {}", head.text);
    let mut received = Vec::new();
    while let Some(chunk) = connection.read_chunk()? {
        received.extend_from_slice(&chunk);
        while let Some(end) = received.iter().position(|byte| *byte == b'\n') {
            let event: Value = serde_json::from_slice(&received.drain(..=end).collect::<Vec<u8>>())?;
            let kind = event.get("type").and_then(Value::as_str).unwrap_or_default();
            if wanted(kind, event.get("object").unwrap_or(&Value::Null)) {
                return Ok(());
            }
        }
    }
    anyhow::bail!("the event did not come within {EVENT_TIMEOUT:?}")
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|condition| {
        let field = |name| condition.get(name).and_then(Value::as_str);
        (field("type"), field("status")) == (Some("Ready"), Some("True"))
    })
}

/// The time from `start` until the service began to listen, by the timestamp in its log.
fn time_to_listening(log: &str, start: SystemTime) -> Option<Duration> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let line = lines.into_iter().find(|line| line.get("message").and_then(Value::as_str) == Some("listening"))?;
    // Of a timestamp such as 2026-11-21T05:05:31.394Z, only the time of day is used. Midnight may lie between.
    let time = line.get("time")?.as_str()?.split_once('T')?.1.trim_end_matches('Z').to_owned();
    let mut parts = time.split(':').map(str::parse::<f64>);
    let (hours, minutes, seconds) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let since_midnight = start.duration_since(UNIX_EPOCH).ok()?.as_secs_f64() % 86400.0;
    Some(Duration::from_secs_f64((hours * 3600.0 + minutes * 60.0 + seconds - since_midnight).rem_euclid(86400.0)))
}

fn table(samples: &[(&str, Vec<Times>)]) -> String {
    let mut text = String::from(
        "### Pod creation to ready\n\nThe pods of the overlays `crun` and `native`, with their probes, created through \
         the API one at a time. The images are on the node and the database is ready. Listening: by the service's log. \
         Ready: by a watch on the API, after the pod's probes, which run every second and every two seconds. Median \
         (min–max).\n\n\
         | | listening ms | ready ms |\n|---|---:|---:|\n",
    );
    for (name, times) in samples {
        let column = |of: fn(&Times) -> Duration| milliseconds(&times.iter().map(of).collect::<Vec<_>>(), 0);
        text += &format!("| {name} | {} | {} |\n", column(|times| times.0), column(|times| times.1));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_to_listening_is_read_from_the_log_even_over_midnight() {
        let line =
            r#"{"time":"2026-11-22T00:00:01.250Z","level":"info","message":"listening","address":"0.0.0.0:8080"}"#;
        let before_midnight = UNIX_EPOCH + Duration::from_millis(86_399_500);
        let time = time_to_listening(&format!("not JSON\n{line}\n"), before_midnight);
        let expected = Duration::from_millis(1750);
        assert!(time.is_some_and(|time| time.abs_diff(expected) < Duration::from_millis(1)), "{time:?}");
        assert!(time_to_listening("", before_midnight).is_none());
    }

    #[test]
    fn a_pod_is_ready_when_its_condition_says_so() {
        let pod = |status: &str| {
            let conditions = json!([{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": status}]);
            json!({"status": {"conditions": conditions}})
        };
        assert!(is_ready(&pod("True")) && !is_ready(&pod("False")) && !is_ready(&json!({})));
    }
}
