//! Checks of the binding's types by themselves, without mio or tokio.
//!
//! Both ends of each connection are sockets of this program, on loopback, in one thread. That works because the kernel
//! completes a connection and buffers data before the other end accepts or reads. The checks use only what both
//! bindings have, so they can be built with the published one too.

use std::error::Error;
use std::fmt::Debug;
use std::process::ExitCode;
use std::time::Duration;

use wasmedge_wasi_socket::{SocketAddr, TcpListener, TcpStream};

mod datagrams;
mod options;
mod streams;
mod waits;

/// The result of a check.
type Check = Result<(), Box<dyn Error>>;

/// The timeout of the reads.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs all checks and prints a line for each: `passed NAME`, or `failed NAME: REASON`.
pub(crate) fn run() -> ExitCode {
    let groups = [streams::CHECKS, datagrams::CHECKS, options::CHECKS, waits::CHECKS];
    let mut all_passed = true;
    for (name, check) in groups.into_iter().flatten() {
        match check() {
            Ok(()) => println!("passed {name}"),
            Err(error) => {
                all_passed = false;
                println!("failed {name}: {error}");
            }
        }
    }
    if all_passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The list of checks of a module, each with its name.
macro_rules! checks {
    ($($name:ident),* $(,)?) => {
        pub(super) const CHECKS: &[(&str, fn() -> super::Check)] = &[$((stringify!($name), $name)),*];
    };
}
use checks;

/// Fails unless the two are equal.
#[track_caller]
fn same<T: PartialEq + Debug>(found: T, expected: T) -> Check {
    let at = std::panic::Location::caller();
    if found == expected { Ok(()) } else { Err(format!("line {}: {found:?}, not {expected:?}", at.line()).into()) }
}

/// The kind of an expected error.
#[track_caller]
fn error_of<T>(result: std::io::Result<T>) -> Result<std::io::ErrorKind, Box<dyn Error>> {
    let at = std::panic::Location::caller();
    match result {
        Ok(_) => Err(format!("line {}: it did not fail", at.line()).into()),
        Err(error) => Ok(error.kind()),
    }
}

/// A listener on a port that the kernel chose.
fn listen() -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind("127.0.0.1:0", false)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// An address without a listener.
fn refusing() -> std::io::Result<SocketAddr> {
    listen().map(|(_, address)| address)
}

/// Both ends of a connection; their reads have a timeout.
fn pair() -> std::io::Result<(TcpStream, TcpStream)> {
    let (listener, address) = listen()?;
    let one = TcpStream::connect(address)?;
    let (other, _) = listener.accept(false)?;
    for end in [&one, &other] {
        end.as_ref().set_recv_timeout(Some(READ_TIMEOUT))?;
    }
    Ok((one, other))
}
