//! The binding's types by themselves, without mio or tokio: what the service and its frameworks do not use, or not in each of its forms.
//!
//! All is done against sockets of this same program, on loopback, on one thread: the kernel completes a connection, and takes what is written,
//! before anybody accepts or reads. Only what both bindings have is used, so that this can be built with the published one too.

use std::error::Error;
use std::fmt::Debug;
use std::process::ExitCode;
use std::time::Duration;

use wasmedge_wasi_socket::{SocketAddr, TcpListener, TcpStream};

mod datagrams;
mod options;
mod streams;
mod waits;

/// How a check ends; the error says what was found.
type Check = Result<(), Box<dyn Error>>;

/// The longest that a read here may wait.
const PATIENCE: Duration = Duration::from_secs(5);

/// Makes each check and prints a line for each: `passed NAME`, or `failed NAME: WHY`.
pub(crate) fn run() -> ExitCode {
    let rooms = [streams::CHECKS, datagrams::CHECKS, options::CHECKS, waits::CHECKS];
    let mut all = true;
    for (name, check) in rooms.into_iter().flatten() {
        match check() {
            Ok(()) => println!("passed {name}"),
            Err(error) => {
                all = false;
                println!("failed {name}: {error}");
            }
        }
    }
    if all { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A list of checks, each by its own name.
macro_rules! checks {
    ($($name:ident),* $(,)?) => {
        pub(super) const CHECKS: &[(&str, fn() -> super::Check)] = &[$((stringify!($name), $name)),*];
    };
}
use checks;

/// Fails unless the two are the same.
#[track_caller]
fn same<T: PartialEq + Debug>(found: T, expected: T) -> Check {
    let at = std::panic::Location::caller();
    if found == expected { Ok(()) } else { Err(format!("line {}: {found:?}, not {expected:?}", at.line()).into()) }
}

/// The error of what must fail.
#[track_caller]
fn error_of<T>(result: std::io::Result<T>) -> Result<std::io::ErrorKind, Box<dyn Error>> {
    let at = std::panic::Location::caller();
    match result {
        Ok(_) => Err(format!("line {}: it did not fail", at.line()).into()),
        Err(error) => Ok(error.kind()),
    }
}

/// A listener on a port that the kernel has chosen.
fn listen() -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind("127.0.0.1:0", false)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// An address at which nobody listens.
fn refusing() -> std::io::Result<SocketAddr> {
    listen().map(|(_, address)| address)
}

/// Both ends of a connection, neither of which waits for long.
fn pair() -> std::io::Result<(TcpStream, TcpStream)> {
    let (listener, address) = listen()?;
    let one = TcpStream::connect(address)?;
    let (other, _) = listener.accept(false)?;
    for end in [&one, &other] {
        end.as_ref().set_recv_timeout(Some(PATIENCE))?;
    }
    Ok((one, other))
}
