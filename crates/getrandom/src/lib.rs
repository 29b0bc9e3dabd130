//! Random bytes for keys, under ring, rustls and the database driver.
//!
//! The published crate of this name returns what WASI's `random_get` gives. In WasmEdge an attacker can compute that
//! (docs/PLATFORM.md, "Predictable random numbers"). This crate replaces it (`[patch.crates-io]`; the version line and
//! the interface are the same). Natively it passes on the operating system's bytes.
//!
//! In wasm it collects samples, hashes them into a seed of 256 bits, and feeds a ChaCha20 generator with it. All
//! sources below are sampled each time. Each adds the bits that an attacker who knows the runtime cannot predict:
//!
//! | source | bits |
//! |---|---|
//! | `/dev/urandom`, where the module may open it | 256 |
//! | `/proc/sys/kernel/random/uuid`, where the module may open it: 122 random bits per read | 366 |
//! | separate calls of `random_get` whose output is recognised as WasmEdge 0.14's: each has a new seed | 30 per call |
//! | all calls of any other `random_get` together: WasmEdge 0.17 has one state of 64 bits per thread | 64 |
//! | clocks | 0 |
//!
//! With less than 128 bits [`getrandom`] fails, so nobody makes a key that can be guessed. [`check`] tells that in
//! advance.
//!
//! The generator is reseeded after each MiB, and forgets how it made the bytes that it gave away. It holds its state in
//! the process's memory: a snapshot of a running process must not be started twice.
//!
//! The standard library's `RandomState`, and with it fastrand, calls `random_get` itself. Both are not for secrets.

mod error;
#[cfg(any(target_os = "wasi", test))]
mod generator;
#[cfg(any(target_os = "wasi", test))]
mod minstd;
#[cfg(any(target_os = "wasi", test))]
mod pool;
#[cfg(target_os = "wasi")]
mod sources;

pub use error::Error;

/// Fills `dest` with random bytes that are fit for keys.
///
/// # Errors
/// [`Error::TOO_FEW_BITS`], or that of the operating system.
#[cfg(not(target_os = "wasi"))]
pub fn getrandom(dest: &mut [u8]) -> Result<(), Error> {
    os::fill(dest).map_err(Error::from)
}

/// Fills `dest` with random bytes that are fit for keys.
///
/// # Errors
/// [`Error::TOO_FEW_BITS`] where the sources in the module's documentation give less than 128 bits.
#[cfg(target_os = "wasi")]
pub fn getrandom(dest: &mut [u8]) -> Result<(), Error> {
    use std::sync::{Mutex, PoisonError};

    static GENERATOR: Mutex<Option<generator::Generator>> = Mutex::new(None);

    let mut lock = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    let generator = match &mut *lock {
        Some(generator) => generator,
        empty => empty.insert(generator::Generator::new(sources::collect().seed()?)),
    };
    if generator.needs_reseeding() {
        let mut pool = sources::collect();
        pool.add_secret(&generator.draw_secret());
        *generator = generator::Generator::new(pool.seed()?);
    }
    generator.fill(dest);
    Ok(())
}

/// Whether [`getrandom`] can give random bytes.
///
/// # Errors
/// Those of [`getrandom`].
pub fn check() -> Result<(), Error> {
    getrandom(&mut [0; 32])
}
