//! The programs of `tests/e2e/guest` in WasmEdge: hyper_wasi's server and reqwest_wasi's client, both with default settings, and the binding's checks of
//! itself.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use testkit::{Process, TempDir, aot, artifacts, ports};

use crate::{RawConnection, wait_for};

/// A program in WasmEdge, and the directory of its log.
pub struct Guest {
    process: Process,
    port: u16,
    _dir: TempDir,
}

impl Guest {
    /// The server, listening; it sends back what it is sent.
    pub fn serve() -> Self {
        let port = ports::free().expect("a port");
        let guest = Self::start(&["serve", &format!("127.0.0.1:{port}")], port);
        wait_for("the server to listen", || {
            assert!(guest.process.is_running(), "it has ended: {}", guest.process.log());
            guest.process.listens_on(port).then_some(())
        });
        guest
    }

    /// The client, posting so many times to that server on one connection; its log has the microseconds that each took.
    pub fn post(to: &Self, times: usize) -> Self {
        Self::start(&["post", &format!("http://127.0.0.1:{}/", to.port), &times.to_string()], 0)
    }

    /// A client with so many connections to a server, eight busy and the others idle; its log says how each of so many of the idle ones ended.
    pub fn watch(server: SocketAddr, connections: usize, ends: usize) -> Self {
        // Compiled: interpreted it is never so busy that the binding leaves anybody out.
        let program = aot::compiled(&artifacts::guest().expect("the guest programs")).expect("compiled");
        Self::start_as(&program, &["watch", &server.to_string(), &connections.to_string(), &ends.to_string()], 0)
    }

    /// The checks of the binding itself; its log has a line for each.
    pub fn selfcheck() -> Self {
        Self::start(&["selfcheck"], 0)
    }

    fn start(arguments: &[&str], port: u16) -> Self {
        Self::start_as(&artifacts::guest().expect("the guest programs"), arguments, port)
    }

    fn start_as(program: &Path, arguments: &[&str], port: u16) -> Self {
        let dir = TempDir::new().expect("a directory");
        let mut command = Command::new("wasmedge");
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
