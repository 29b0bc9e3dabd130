//! The samples that a module in WasmEdge can take.

use std::fs::{self, File};
use std::io::Read as _;
use std::time::{Instant, SystemTime};

use crate::pool::{Pool, SEED_BYTES};

const KERNEL_DEVICE: &str = "/dev/urandom";

/// Each read gives a new UUID (random(4)). A directory with this file can be allowed without all devices.
const KERNEL_UUID: &str = "/proc/sys/kernel/random/uuid";
const UUID_READS: usize = 3;

/// In WasmEdge 0.14 they have 360 bits. They take a fraction of a millisecond.
const RANDOM_GET_CALLS: usize = 12;

/// Samples all sources.
pub(crate) fn collect() -> Pool {
    let started = Instant::now();
    let mut pool = Pool::default();
    if let Some(sample) = kernel_device() {
        pool.add_kernel(&sample);
    }
    for text in (0..UUID_READS).map_while(|_| fs::read_to_string(KERNEL_UUID).ok()) {
        pool.add_uuid(&text);
    }
    for words in (0..RANDOM_GET_CALLS).map_while(|_| random_get()) {
        pool.add_random_get(&words);
        pool.add_clock(started.elapsed().as_nanos());
    }
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    pool.add_clock(time.as_nanos());
    pool
}

/// Bytes of the kernel's device. None for anything else in its place: std does not tell devices from each other in
/// wasm, but from files.
fn kernel_device() -> Option<[u8; SEED_BYTES]> {
    let mut device = File::open(KERNEL_DEVICE).ok()?;
    let kind = device.metadata().ok()?.file_type();
    if kind.is_file() || kind.is_dir() || kind.is_symlink() {
        return None;
    }
    let mut sample = [0; SEED_BYTES];
    device.read_exact(&mut sample).ok()?;
    Some(sample)
}

/// The output of one call.
fn random_get() -> Option<[u32; 4]> {
    let mut bytes = [0; 16];
    os::fill(&mut bytes).ok()?;
    let mut words = bytes.chunks_exact(4).map(|word| word.try_into().map_or(0, u32::from_le_bytes));
    Some([(); 4].map(|()| words.next().unwrap_or_default()))
}
