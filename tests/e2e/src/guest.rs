//! The programs of `tests/e2e/guest` in WasmEdge: hyper_wasi's server and reqwest_wasi's client, both with default
//! settings, and the self-check of the binding.

use std::net::SocketAddr;
use std::path::Path;

use testkit::{Process, TempDir, aot, artifacts, ports, runtime};

use crate::{RawConnection, wait_for};

/// A program in WasmEdge, with the directory of its log.
pub struct Guest {
    process: Process,
    port: u16,
    _dir: TempDir,
}

impl Guest {
    /// Starts the server, which echoes requests, and waits until it listens.
    pub fn serve() -> Self {
        let port = ports::free().expect("a port");
        let guest = Self::start(&["serve", &format!("127.0.0.1:{port}")], port);
        wait_for("the server to listen", || {
            assert!(guest.process.is_running(), "it has ended: {}", guest.process.log());
            guest.process.listens_on(port).then_some(())
        });
        guest
    }

    /// Starts the client. It posts `times` times on one connection and logs the microseconds that each request took.
    pub fn post(to: &Self, times: usize) -> Self {
        Self::start(&["post", &format!("http://127.0.0.1:{}/", to.port), &times.to_string()], 0)
    }

    /// Starts a client with eight busy connections and otherwise idle ones. It logs how each of `ends` idle ones ended.
    pub fn watch(server: SocketAddr, connections: usize, ends: usize) -> Self {
        // Compiled: the interpreter is too slow to keep the binding busy.
        let program = aot::compiled(&artifacts::guest().expect("the guest programs")).expect("compiled");
        Self::start_as(&program, &["watch", &server.to_string(), &connections.to_string(), &ends.to_string()], 0)
    }

    /// Starts a program that logs 32 random bytes of the runtime as hexadecimal digits.
    pub fn random() -> Self {
        Self::start(&["random"], 0)
    }

    /// Starts the self-check of the binding, which logs a line per check.
    pub fn selfcheck() -> Self {
        Self::start(&["selfcheck"], 0)
    }

    fn start(arguments: &[&str], port: u16) -> Self {
        Self::start_as(&artifacts::guest().expect("the guest programs"), arguments, port)
    }

    fn start_as(program: &Path, arguments: &[&str], port: u16) -> Self {
        let dir = TempDir::new().expect("a directory");
        let mut command = runtime::command(program);
        command.arg(program).args(arguments);
        let process = Process::start(&command, &dir.path().join("log")).expect("WasmEdge starts");
        Self { process, port, _dir: dir }
    }

    /// Its process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// A new connection to the server.
    pub fn connect(&self) -> RawConnection {
        RawConnection::connect(SocketAddr::from(([127, 0, 0, 1], self.port)))
    }
}
