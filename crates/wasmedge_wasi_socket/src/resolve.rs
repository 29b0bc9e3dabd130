//! Name resolution.

mod address_health;
mod dns_cache;
#[cfg(target_os = "wasi")]
mod dns_client;
mod dns_message;
#[cfg(target_os = "wasi")]
mod names;

#[cfg(target_os = "wasi")]
pub(crate) use names::lookup_counts;
#[cfg(target_os = "wasi")]
pub use names::{nslookup, nslookup_with_dns_server, nslookup_with_host};
