//! Memory of processes.

use anyhow::Result;
use testkit::Service;

use crate::comparison::Variant;

/// Resident and private dirty bytes of one variant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemoryUsage {
    variant: Variant,
    resident: u64,
    private: u64,
}

/// The current memory of all servers.
pub(crate) fn measure(servers: &[(Variant, Service)]) -> Result<Vec<MemoryUsage>> {
    let usage = |(variant, server): &(Variant, Service)| {
        let (resident, private) = (server.rss_bytes()?, server.private_dirty_bytes()?);
        Ok(MemoryUsage { variant: *variant, resident, private })
    };
    servers.iter().map(usage).collect()
}

/// The table: before the load and after it.
pub(crate) fn table(idle: &[MemoryUsage], loaded: &[MemoryUsage]) -> String {
    let mut text = String::from(
        "### Memory\n\nFrom `/proc/PID/smaps_rollup`. Private: pages that only this process has written to, the cost \
         of one more process. Resident also counts pages shared with others, such as WasmEdge's libraries.\n\n\
         | | private, idle MB | private, after the load MB | resident, after the load MB |\n|---|---:|---:|---:|\n",
    );
    for (before, after) in idle.iter().zip(loaded) {
        let name = after.variant.name();
        text += &format!(
            "| {name} | {} | {} | {} |\n",
            megabytes(before.private),
            megabytes(after.private),
            megabytes(after.resident)
        );
    }
    text
}

/// Megabytes of 1,000,000 bytes, with one decimal.
#[expect(clippy::cast_precision_loss, reason = "a size in bytes is far below 2^52")]
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}
