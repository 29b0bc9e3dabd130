//! Figures of the service process, once a second.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::context::RunContext;

/// The figures at one moment; counters are since the start.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    pub(crate) elapsed: Duration,
    /// Memory that only this process uses, in bytes.
    pub(crate) private: u64,
    /// Resident memory in bytes, shared pages included.
    pub(crate) resident: u64,
    pub(crate) descriptors: usize,
    pub(crate) cpu: Duration,
    pub(crate) right: u64,
    pub(crate) wrong: u64,
    pub(crate) connections: u64,
    pub(crate) resets: u64,
    pub(crate) freezes: u64,
}

/// Takes a sample each second for `duration`, or until the service has exited, and passes each to `report`.
pub(crate) fn take(context: &RunContext, duration: Duration, mut report: impl FnMut(&Sample)) -> Vec<Sample> {
    let (start, mut samples) = (Instant::now(), Vec::new());
    for second in 0.. {
        let due = Duration::from_secs(second);
        if due > duration {
            break;
        }
        context.sleep(due.saturating_sub(start.elapsed()));
        let Ok(sample) = sample(context, start) else { break };
        report(&sample);
        samples.push(sample);
    }
    samples
}

fn sample(context: &RunContext, start: Instant) -> Result<Sample> {
    let (service, counters) = (&context.service, &context.counters);
    Ok(Sample {
        elapsed: start.elapsed(),
        private: service.private_dirty_bytes()?,
        resident: service.rss_bytes()?,
        descriptors: service.open_fds()?,
        cpu: service.cpu_time()?,
        right: counters.right.load(Ordering::Relaxed),
        wrong: counters.wrong.load(Ordering::Relaxed),
        connections: counters.connections.load(Ordering::Relaxed),
        resets: counters.resets.load(Ordering::Relaxed),
        freezes: counters.freezes.load(Ordering::Relaxed),
    })
}
