//! Large answers from small pods.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::support::{SERVICE, World};

const ROWS: u64 = 1_000_000;

/// Under the manifest's own limit of 128Mi.
pub(crate) fn million_rows(world: &mut World) -> Result<()> {
    let before = world.wait_for_pods(2, Duration::from_secs(120))?;
    world.sql("DELETE FROM orders")?;
    let columns = "order_id, product_id, quantity, amount, shipping, tax, shipping_address";
    world.sql(&format!("INSERT INTO orders ({columns}) SELECT seq, 1, 1, 10.25, 0, 0.50, 'A million rows' FROM seq_1_to_{ROWS}"))?;
    let path = world.cluster.dir().join("rows.json");
    world.curl(&["http://order-service/orders", "--output", &path.to_string_lossy()])?;
    let orders: Vec<serde_json::Value> = serde_json::from_reader(std::io::BufReader::new(std::fs::File::open(&path)?))?;
    std::fs::remove_file(&path)?;
    ensure!(orders.len() as u64 == ROWS, "{} orders came", orders.len());
    let last = orders.last().and_then(|order| order.get("order_id")?.as_u64());
    ensure!(last == Some(ROWS), "the last one is {last:?}");
    let after = world.pods(SERVICE)?;
    for pod in &after {
        let of = before.iter().find(|old| old.name == pod.name).context("a pod was replaced")?;
        ensure!(of.restarts == pod.restarts && pod.ready, "pod {} was restarted: {:#}", pod.name, pod.container);
    }
    world.sql("DELETE FROM orders")?;
    Ok(())
}
