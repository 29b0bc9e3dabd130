//! What a process occupies.

use anyhow::Result;
use testkit::Service;

use crate::contest::Contestant;

/// Resident and private dirty bytes of one contestant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Occupied {
    contestant: Contestant,
    resident: u64,
    private: u64,
}

/// All of them, now.
pub(crate) fn of(servers: &[(Contestant, Service)]) -> Result<Vec<Occupied>> {
    let look = |(contestant, server): &(Contestant, Service)| {
        let (resident, private) = (server.rss_bytes()?, server.private_dirty_bytes()?);
        Ok(Occupied { contestant: *contestant, resident, private })
    };
    servers.iter().map(look).collect()
}

/// The table: before the load and after it.
pub(crate) fn table(idle: &[Occupied], loaded: &[Occupied]) -> String {
    let mut text = String::from(
        "### Memory\n\nFrom `/proc/PID/smaps_rollup`. Private: pages that this process alone has written to, which is what one more of it \
         costs. Resident also counts pages shared with others, such as WasmEdge's libraries.\n\n\
         | | private, idle MB | private, after the load MB | resident, after the load MB |\n|---|---:|---:|---:|\n",
    );
    for (before, after) in idle.iter().zip(loaded) {
        let name = after.contestant.name();
        text += &format!("| {name} | {} | {} | {} |\n", mb(before.private), mb(after.private), mb(after.resident));
    }
    text
}

/// Megabytes of 1,000,000 bytes, with one decimal.
#[expect(clippy::cast_precision_loss, reason = "a size in bytes is far below 2^52")]
pub(crate) fn mb(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}
