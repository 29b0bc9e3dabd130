//! Tells whether a write to a pipe would succeed, block or fail.
//!
//! A process that logs to standard output must not block when the reader is slow, and must not end when the reader
//! closes the pipe: WasmEdge leaves SIGPIPE at its default action, which ends the process. So it calls [`of`] before
//! each write.
//!
//! ```
//! use pipe_status::PipeStatus;
//!
//! if pipe_status::of(&std::io::stdout()) == PipeStatus::Writable {
//!     println!("at most 4 KiB");
//! }
//! ```

#[cfg_attr(target_os = "wasi", path = "wasi.rs")]
#[cfg_attr(not(target_os = "wasi"), path = "native.rs")]
mod platform;

use std::os::fd::AsFd;

/// What a write to a descriptor would do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PipeStatus {
    /// A write of up to 4 KiB (`PIPE_BUF`) succeeds without blocking. A regular file and `/dev/null` are always
    /// writable.
    Writable,
    /// The reader is behind: a write would block.
    Full,
    /// No reader is left: a write would fail, or raise SIGPIPE.
    Closed,
}

/// What a write to the descriptor would do now. Takes up to half a millisecond in WasmEdge, one system call natively.
pub fn of<F: AsFd>(fd: &F) -> PipeStatus {
    platform::status(fd.as_fd())
}
