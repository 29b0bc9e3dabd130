//! The service's figures, once a second.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::world::World;

/// What was seen at one moment; counts are since the start.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    pub(crate) at: Duration,
    /// Memory that only this process uses, in bytes.
    pub(crate) private: u64,
    /// All of its memory that is in the machine's, in bytes.
    pub(crate) resident: u64,
    pub(crate) descriptors: usize,
    pub(crate) cpu: Duration,
    pub(crate) right: u64,
    pub(crate) wrong: u64,
    pub(crate) connections: u64,
    pub(crate) resets: u64,
    pub(crate) freezes: u64,
}

/// Looks once a second for so long, or until the service has ended; `each` sees every sample at once.
pub(crate) fn watch(world: &World, time: Duration, mut each: impl FnMut(&Sample)) -> Vec<Sample> {
    let (start, mut samples) = (Instant::now(), Vec::new());
    for second in 0.. {
        let due = Duration::from_secs(second);
        if due > time {
            break;
        }
        world.pause(due.saturating_sub(start.elapsed()));
        let Ok(sample) = look(world, start) else { break };
        each(&sample);
        samples.push(sample);
    }
    samples
}

fn look(world: &World, start: Instant) -> Result<Sample> {
    let (service, counts) = (&world.service, &world.counts);
    Ok(Sample {
        at: start.elapsed(),
        private: service.private_dirty_bytes()?,
        resident: service.rss_bytes()?,
        descriptors: service.open_fds()?,
        cpu: service.cpu_time()?,
        right: counts.right.load(Ordering::Relaxed),
        wrong: counts.wrong.load(Ordering::Relaxed),
        connections: counts.connections.load(Ordering::Relaxed),
        resets: counts.resets.load(Ordering::Relaxed),
        freezes: counts.freezes.load(Ordering::Relaxed),
    })
}
