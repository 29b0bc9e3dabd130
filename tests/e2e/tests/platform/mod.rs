//! What the ground under the service must bear: freezes, resets, too few descriptors, crowds of idle connections, half-closed ones, names.
//!
//! Most of it is borne by `crates/wasmedge_wasi_socket`. `make test-published` runs these tests with the crate published under that name in its
//! place, and prints how each ends; docs/PUBLISHED-CRATE.md has the table, and says why some pass all the same.

mod binding;
mod freezing;
mod freezing_at_work;
mod ipv6;
mod names;
mod names_dns_server;
mod resolver;
mod resolver_slow;
