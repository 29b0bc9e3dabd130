//! What one replica occupies, and ten.

use anyhow::{Context, Result, ensure};

use super::group::{Occupied, occupied};
use super::{Contained, Site};
use crate::stats::median;
use crate::turns::Turns;
use crate::{Plan, http, say};

const REPLICAS: [usize; 2] = [1, 10];

/// One look at so many replicas: the mean of each figure for one of them.
type Look = (Contained, usize, Occupied);

/// The table.
pub(super) fn measure(site: &Site, plan: &Plan) -> Result<String> {
    let (mut turns, mut looks) = (Turns::seeded(10), Vec::new());
    for _ in 0..plan.looks {
        for replicas in REPLICAS {
            for who in turns.round(&Contained::ALL) {
                say(&format!("memory: {replicas} × {}", who.name()));
                looks.push((who, replicas, look(site, who, replicas).with_context(|| who.name())?));
            }
        }
    }
    Ok(table(&looks))
}

/// Idle, after each has been made ready and has read the table of orders once.
fn look(site: &Site, who: Contained, replicas: usize) -> Result<Occupied> {
    let names: Vec<String> = (0..replicas).map(|number| format!("bench-{number}")).collect();
    for name in &names {
        let output = site.run(who, name, &[]).output()?;
        ensure!(output.status.success(), "docker run: {}", String::from_utf8_lossy(&output.stderr));
        let address = site.address(name)?;
        site.wait_until_ready(name, address)?;
        ensure!(http::is_served_at(address, "/orders", std::time::Duration::from_secs(5)), "GET /orders fails");
    }
    let seen: Result<Vec<Occupied>> = names.iter().map(|name| occupied(&site.groups(name)?)).collect();
    site.remove(&names)?;
    Ok(mean(&seen?))
}

#[expect(clippy::cast_precision_loss, reason = "ten, not 2^52")]
fn mean(seen: &[Occupied]) -> Occupied {
    let of = |figure: fn(&Occupied) -> f64| seen.iter().map(figure).sum::<f64>() / seen.len().max(1) as f64;
    Occupied { now: of(|seen| seen.now), peak: of(|seen| seen.peak), share: of(|seen| seen.share) }
}

fn table(looks: &[Look]) -> String {
    let mut text = String::from(
        "### Memory of containers\n\nOf each replica in MB, the mean of the replicas and the median of the looks, idle after some requests, under a limit of \
         128 MiB. Control group: what the kernel charges to the container (`memory.current`, `memory.peak`; with version 1 of \
         control groups `memory.usage_in_bytes`, `memory.max_usage_in_bytes`), pages of files included for whoever read them first. Processes: `Pss` \
         in `smaps_rollup` of all processes in the container: pages that several share, libraries for instance, are divided among them. \
         What the engine itself needs for each container (a shim, its share of `dockerd`) is the same for all and in neither.\n\n\
         | | replicas | control group | its peak | processes | processes, all replicas |\n|---|---:|---:|---:|---:|---:|\n",
    );
    for who in Contained::ALL {
        for replicas in REPLICAS {
            text += &row(looks, who, replicas);
        }
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "ten, not 2^52")]
fn row(looks: &[Look], who: Contained, replicas: usize) -> String {
    let of = |figure: fn(&Occupied) -> f64| {
        let these = looks.iter().filter(|(known, count, _)| *known == who && *count == replicas);
        median(these.map(|(_, _, seen)| figure(seen) / 1e6))
    };
    let share = of(|seen| seen.share);
    format!(
        "| {} | {replicas} | {:.1} | {:.1} | {share:.1} | {:.0} |\n",
        who.name(),
        of(|seen| seen.now),
        of(|seen| seen.peak),
        share * replicas as f64
    )
}
