//! A large response from a small pod.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::context::TestContext;

const ROWS: u64 = 1_000_000;

/// The pod stays within the manifest's memory limit of 128Mi.
pub(crate) fn million_rows(context: &mut TestContext) -> Result<()> {
    let before = context.deploy("crun")?;
    let columns = "order_id, product_id, quantity, amount, shipping, tax, shipping_address";
    context.sql(&format!(
        "INSERT INTO orders ({columns}) SELECT seq, 1, 1, 10.25, 0, 0.50, 'A million rows' FROM seq_1_to_{ROWS}"
    ))?;
    let path = context.cluster.dir().join("rows.json");
    context.curl(&["http://order-service/orders", "--output", &path.to_string_lossy()])?;
    let orders = fs::read_to_string(&path)?;
    fs::remove_file(&path)?;
    ensure!(orders.starts_with("[{") && orders.trim_end().ends_with("}]"), "the array is incomplete");
    let count = orders.matches("\"order_id\":").count();
    ensure!(count as u64 == ROWS, "the response has {count} orders");
    let last = orders.rsplit_once("\"order_id\":").map(|(_, last)| last);
    ensure!(last.is_some_and(|last| last.starts_with(&format!("{ROWS},"))), "the last order is {last:?}");
    for pod in &context.pods()? {
        let old = before.iter().find(|old| old.name == pod.name).context("a pod was replaced")?;
        ensure!(old.restarts == pod.restarts && pod.ready, "pod {} was restarted: {:#}", pod.name, pod.container);
        let (limit, peak) = memory_of(pod.process()?)?;
        ensure!(limit == 128 << 20, "pod {} has a limit of {limit} bytes", pod.name);
        cluster::progress(&format!(
            "{}: at most {:.0} of 128 MiB, including its share of the page cache",
            pod.name,
            peak as f64 / 1048576.0
        ));
    }
    Ok(())
}

/// The memory limit and peak of a process's control group, in bytes.
fn memory_of(process: u32) -> Result<(u64, u64)> {
    let groups = fs::read_to_string(format!("/proc/{process}/cgroup"))?;
    // Version 1 has a line for each hierarchy. Version 2 has one line, with an empty list of controllers.
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
