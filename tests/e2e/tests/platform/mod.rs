//! The platform under the service: freezes, IPv6, name resolution, the compiled file,
//! the interpreter.
//!
//! Most of it depends on `crates/wasmedge_wasi_socket`. `make test-published` runs these tests with the published
//! crate; docs/PUBLISHED-CRATE.md lists the results.

mod binding;
mod compiled_file;
mod dns_server;
mod execution;
mod freezing;
mod freezing_at_work;
mod ipv6;
mod names;
mod random;
mod resolver_slow;
