//! WasmEdge, MariaDB and faults as values that stop when dropped.
//!
//! | module | contents |
//! |---|---|
//! | [`mariadb`] | a private MariaDB: [`MariaDb`], and its TLS certificates: [`Tls`] |
//! | [`service`] | the order service as a child process: [`Service`], in any [`Runtime`] |
//! | [`proxy`] | a TCP proxy that injects faults: [`FaultProxy`], [`Fault`] |
//! | [`aot`] | the compiled form of a `.wasm`, cached by content |
//! | [`runtime`] | which WasmEdge runs modules, and with which options |
//! | [`artifacts`] | the paths of the built `.wasm` and the native program |
//! | [`prometheus`] | a real Prometheus: [`Prometheus`](prometheus::Prometheus), and questions to it |
//! | [`collector`] | a real OpenTelemetry Collector: [`Collector`](collector::Collector) |
//! | [`process`] | a child that ends with its parent, its log, its metrics from `/proc` |
//! | [`engine`] | a private Docker and a private Podman: [`Engine`], [`Podman`] |
//! | [`sandbox`] | namespaces that end with all their processes: [`Sandbox`] |
//! | [`http`] | an ordinary HTTP client: [`http::Client`], one for raw bytes: [`http::RawConnection`] |
//! | [`ledger`] | what clients wrote and the server must hold: [`Ledger`] |
//! | [`wait`] | waiting for events with a bound: [`wait_until`] |
//! | [`stats`] | medians and quantiles |
//! | [`ports`], [`temp`] | free ports, temporary directories |
//! | [`machine`], [`benchmark_page`] | the machine of a measurement, and the page with the results |
//! | [`readme`] | the commands in README.md |
//!
//! Nothing outlives the process that started it, not even when that process is killed: the kernel kills its children,
//! and a clean-up process removes its directories.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! use testkit::{MariaDb, Runtime, Service};
//! let url = MariaDb::shared()?.fresh_database()?;
//! let service = Service::builder().runtime(Runtime::Aot).database_url(&url).env("LOG_LEVEL", "debug").start()?;
//! println!("{}", service.url("/orders"));
//! # Ok(()) }
//! ```

pub mod aot;
pub mod artifacts;
pub mod benchmark_page;
pub mod collector;
pub mod engine;
pub mod http;
pub mod ledger;
pub mod machine;
pub mod mariadb;
pub mod memory_cgroup;
pub mod open_loop;
pub mod ports;
pub mod process;
pub mod prometheus;
pub mod proxy;
pub mod readme;
pub mod runtime;
pub mod sandbox;
pub mod service;
pub mod stats;
pub mod temp;
pub mod wait;

mod progress;
mod sync;

pub use engine::{Engine, Podman};
pub use ledger::Ledger;
pub use mariadb::{MariaDb, Tls};
pub use memory_cgroup::MemoryCgroup;
pub use process::Process;
pub use proxy::{Action, Direction, Fault, FaultProxy, Timing};
pub use sandbox::Sandbox;
pub use service::{Runtime, Service};
pub use temp::TempDir;
pub use wait::{observe_for, try_wait_for, wait_for, wait_until};
