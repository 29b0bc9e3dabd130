//! Large answers from small pods.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::support::{SERVICE, World, process_of};

const ROWS: u64 = 1_000_000;

/// Under the manifest's own limit of 128Mi.
pub(crate) fn million_rows(world: &mut World) -> Result<()> {
    let before = world.wait_for_pods(2, Duration::from_secs(120))?;
    world.sql("TRUNCATE orders")?;
    let columns = "order_id, product_id, quantity, amount, shipping, tax, shipping_address";
    world.sql(&format!(
        "INSERT INTO orders ({columns}) SELECT seq, 1, 1, 10.25, 0, 0.50, 'A million rows' FROM seq_1_to_{ROWS}"
    ))?;
    let path = world.cluster.dir().join("rows.json");
    world.curl(&["http://order-service/orders", "--output", &path.to_string_lossy()])?;
    let orders = fs::read_to_string(&path)?;
    fs::remove_file(&path)?;
    ensure!(orders.starts_with("[{") && orders.trim_end().ends_with("}]"), "the array is not whole");
    let count = orders.matches("\"order_id\":").count();
    ensure!(count as u64 == ROWS, "{count} orders came");
    let last = orders.rsplit_once("\"order_id\":").map(|(_, last)| last);
    ensure!(last.is_some_and(|last| last.starts_with(&format!("{ROWS},"))), "the last one is {last:?}");
    let after = world.pods(SERVICE)?;
    for pod in &after {
        let of = before.iter().find(|old| old.name == pod.name).context("a pod was replaced")?;
        ensure!(of.restarts == pod.restarts && pod.ready, "pod {} was restarted: {:#}", pod.name, pod.container);
        let (limit, peak) = memory_of(process_of(pod)?)?;
        ensure!(limit == 128 << 20, "pod {} has a limit of {limit} bytes", pod.name);
        cluster::progress(&format!(
            "{}: at most {:.0} of 128 MiB, its share of the files' pages included",
            pod.name,
            peak as f64 / 1048576.0
        ));
    }
    world.sql("TRUNCATE orders")?;
    Ok(())
}

/// The limit and the highest use of the control group that a process is in, in bytes.
fn memory_of(process: u32) -> Result<(u64, u64)> {
    let groups = fs::read_to_string(format!("/proc/{process}/cgroup"))?;
    // Version 1 has a line for each hierarchy, version 2 one whose list of controllers is empty.
    let path = |controllers: &str| {
        groups.lines().find_map(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            (fields.next()? == controllers).then_some(fields.next()?)
        })
    };
    let (directory, limit, peak) = match path("memory") {
        Some(path) => (format!("/sys/fs/cgroup/memory{path}"), "memory.limit_in_bytes", "memory.max_usage_in_bytes"),
        None => (format!("/sys/fs/cgroup{}", path("").context("in no group")?), "memory.max", "memory.peak"),
    };
    let read = |file: &str| -> Result<u64> {
        let path = format!("{directory}/{file}");
        Ok(fs::read_to_string(&path).with_context(|| path.clone())?.trim().parse()?)
    };
    Ok((read(limit)?, read(peak)?))
}
