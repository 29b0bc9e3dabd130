//! `make bench-cluster`: from a pod's creation until it is ready, wasm under crun beside native, on a Kubernetes of its own.

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use cluster::images::ImageBuilder;
use cluster::{Cluster, overlay};
use serde_json::{Value, json};
use testkit::{Process, machine};

use crate::http::{self, Body};
use crate::report::Page;
use crate::stats::{median, range};
use crate::turns::Turns;
use crate::{Plan, say};

/// Where `kubectl proxy` lets the API be asked without TLS, in the cluster's network.
const API: u16 = 8001;
const PODS: &str = "/api/v1/namespaces/order-service/pods";
/// A pod is what its overlay makes of it.
const OVERLAYS: [(&str, &str); 2] = [("crun", "AOT, crun"), ("native", "native, runc")];
const PATIENCE: Duration = Duration::from_secs(60);

/// The times until the service listens and until the pod is ready.
type Times = (Duration, Duration);

/// All of it, into the page.
pub(crate) fn measure(plan: &Plan) -> Result<()> {
    let start = Instant::now();
    let (cluster, pods) = prepared()?;
    let machine = machine::describe_with(&[
        format!("kubernetes: {}", server_version(&cluster)?),
        format!("containerd: {}", machine::first_line("containerd", &["--version"])?),
        format!(
            "runtimes: {}, {}",
            machine::first_line("crun", &["--version"])?,
            machine::first_line("runc", &["--version"])?
        ),
    ])?;
    let _proxy = proxy(&cluster)?;
    say(&format!("pod created to ready, {} times each", plan.starts));
    let mut samples = OVERLAYS.map(|(_, name)| (name, Vec::new()));
    let (mut turns, mut number) = (Turns::seeded(34), 0);
    // The first round does not count.
    for round in 0..=plan.starts {
        for index in turns.round(&[0, 1]) {
            number += 1;
            let (Some((name, all)), Some(pod)) = (samples.get_mut(index), pods.get(index)) else { continue };
            let times = until_ready(pod, &format!("bench-{number}"))
                .with_context(|| format!("{name}\n{}", cluster.describe()))?;
            if round > 0 {
                all.push(times);
            }
        }
    }
    let mut page = Page::of("make bench-cluster");
    page.add(table(&samples));
    let how = format!("{} pods of each, in an order shuffled by a seed", plan.starts);
    page.finish(&machine, plan, &how, start.elapsed())
}

/// The API server's, not that of the kubectl at hand.
fn server_version(cluster: &Cluster) -> Result<String> {
    let versions: Value = serde_json::from_str(&cluster.kubectl(&["version", "--output=json"])?)?;
    let version = versions.pointer("/serverVersion/gitVersion").and_then(Value::as_str);
    Ok(version.context("a server without a version")?.to_owned())
}

/// A cluster with both images on its node and the database ready, and each overlay's pod.
fn prepared() -> Result<(Cluster, [Value; 2])> {
    let cluster = Cluster::start()?;
    cluster.push_images()?;
    ImageBuilder::start(cluster.node())?.push_native()?;
    cluster.deploy("kubectl apply -k deploy/kubernetes/overlays/crun")?;
    let mut pods = [Value::Null, Value::Null];
    for ((name, _), pod) in OVERLAYS.into_iter().zip(&mut pods) {
        cluster.apply(&overlay(name))?;
        cluster.wait_for_rollout("deployment/order-service", Duration::from_secs(120))?;
        let deployment = cluster.kubectl(&["get", "deployment", "order-service", "--output=json"])?;
        let deployment: Value = serde_json::from_str(&deployment)?;
        *pod = deployment.pointer("/spec/template").context("a deployment without a pod")?.clone();
    }
    cluster.kubectl(&["delete", "deployment", "order-service", "--cascade=foreground"])?;
    Ok((cluster, pods))
}

/// The API on a port of the cluster's network, in which this thread is afterwards.
fn proxy(cluster: &Cluster) -> Result<Process> {
    let mut command = cluster.kubectl_command();
    command.args(["proxy", "--accept-hosts=^bench$", &format!("--port={API}")]);
    let proxy = Process::start(&command, &cluster.dir().join("proxy.log"))?;
    cluster.node().enter_network()?;
    let start = Instant::now();
    while !http::is_served(API, "/version") {
        ensure!(start.elapsed() < PATIENCE && proxy.is_running(), "kubectl proxy:\n{}", proxy.log());
        thread::sleep(Duration::from_millis(20));
    }
    Ok(proxy)
}

/// Makes the pod, follows it until it is ready, and waits until it is gone.
fn until_ready(template: &Value, name: &str) -> Result<Times> {
    // Without its labels: it is no pod of the Deployment's or the Service's.
    let metadata = json!({"name": name, "annotations": template.pointer("/metadata/annotations")});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template.get("spec")});
    let (start, clock) = (Instant::now(), SystemTime::now());
    http::post(API, PODS, &pod.to_string())?;
    let events = format!("{PODS}?watch=1&timeoutSeconds={}&fieldSelector=metadata.name={name}", PATIENCE.as_secs());
    watch(&events, |_, pod| is_ready(pod))?;
    let ready = start.elapsed();
    let log = http::text(API, &format!("{PODS}/{name}/log"))?;
    let listening = listening_since(&log, clock).with_context(|| format!("the log has no start:\n{log}"))?;
    // It is asked to drain and has one second: the next one is to meet an idle node.
    http::delete(API, &format!("{PODS}/{name}?gracePeriodSeconds=1"))?;
    watch(&events, |kind, _| kind == "DELETED")?;
    Ok((listening, ready))
}

/// Reads events until `wanted` says that this is the one.
fn watch(path: &str, wanted: impl Fn(&str, &Value) -> bool) -> Result<()> {
    let mut events = Body::get(API, path)?;
    let (mut read, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    loop {
        let length = events.read(&mut buffer)?;
        ensure!(length > 0, "not within a minute");
        read.extend_from_slice(buffer.get(..length).unwrap_or_default());
        while let Some(end) = read.iter().position(|byte| *byte == b'\n') {
            let event: Value = serde_json::from_slice(&read.drain(..=end).collect::<Vec<u8>>())?;
            let kind = event.get("type").and_then(Value::as_str).unwrap_or_default();
            if wanted(kind, event.get("object").unwrap_or(&Value::Null)) {
                return Ok(());
            }
        }
    }
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|condition| {
        let field = |name| condition.get(name).and_then(Value::as_str);
        (field("type"), field("status")) == (Some("Ready"), Some("True"))
    })
}

/// By the time in the service's own first lines: how long after `start` it began to listen.
fn listening_since(log: &str, start: SystemTime) -> Option<Duration> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let line = lines.into_iter().find(|line| line.get("message").and_then(Value::as_str) == Some("listening"))?;
    // 2026-11-21T05:05:31.394Z: of the day only, which may have ended in between.
    let time = line.get("time")?.as_str()?.split_once('T')?.1.trim_end_matches('Z').to_owned();
    let mut parts = time.split(':').map(str::parse::<f64>);
    let (hours, minutes, seconds) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let since_midnight = start.duration_since(UNIX_EPOCH).ok()?.as_secs_f64() % 86400.0;
    Some(Duration::from_secs_f64((hours * 3600.0 + minutes * 60.0 + seconds - since_midnight).rem_euclid(86400.0)))
}

fn table(samples: &[(&str, Vec<Times>)]) -> String {
    let mut text = String::from(
        "### Pod created to ready\n\nThe pods of the overlays `crun` and `native`, with their probes, made through the API one at a time; the images are on the node \
         and the database is ready. Listening: by the service's log. Ready: seen by a watch on the API, which says so after \
         the probes that a pod must pass, asked once a second and every two. Median (least–greatest).\n\n\
         | | listening ms | ready ms |\n|---|---:|---:|\n",
    );
    for (name, times) in samples {
        let column = |of: fn(&Times) -> Duration| {
            let ms = || times.iter().map(|times| of(times).as_secs_f64() * 1e3);
            let (least, most) = range(ms());
            format!("{:.0} ({least:.0}–{most:.0})", median(ms()))
        };
        text += &format!("| {name} | {} | {} |\n", column(|times| times.0), column(|times| times.1));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_is_read_from_the_log_also_over_midnight() {
        let log = "{\"time\":\"2026-11-22T00:00:01.250Z\",\"level\":\"info\",\"message\":\"listening\",\"address\":\"0.0.0.0:8080\"}\n";
        let late = UNIX_EPOCH + Duration::from_millis(86_399_500);
        let took = listening_since(&format!("not JSON\n{log}"), late);
        assert!(
            took.is_some_and(|took| took.abs_diff(Duration::from_millis(1750)) < Duration::from_millis(1)),
            "{took:?}"
        );
        assert!(listening_since("", late).is_none());
    }

    #[test]
    fn a_pod_is_ready_when_its_condition_says_so() {
        let pod = |status: &str| json!({"status": {"conditions": [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": status}]}});
        assert!(is_ready(&pod("True")) && !is_ready(&pod("False")) && !is_ready(&json!({})));
    }
}
