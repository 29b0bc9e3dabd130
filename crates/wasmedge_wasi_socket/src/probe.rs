//! Questions about one descriptor, answered by one system call that does not wait.

use crate::fd_table::FdTable;
use crate::sys::poll_types::{Errno, Fd};
use crate::sys::{calls, errno, options, transfer};

/// Whether a non-blocking socket has input, the end of the stream, or an error.
///
/// The kernel reports an error only once, here too. So it is kept in the table for the owner's next call.
pub(crate) fn has_input(table: &mut FdTable, fd: Fd) -> bool {
    let result = transfer::peek(fd);
    if ![errno::SUCCESS, errno::AGAIN, errno::INTR].contains(&result) {
        table.set_pending_error(fd, result);
    }
    result != errno::AGAIN
}

/// Whether a socket has a pending error, which is kept in the table for the owner's next call.
pub(crate) fn has_error(table: &mut FdTable, fd: Fd) -> bool {
    // A descriptor without the option is no socket and has no pending error.
    let pending = options::take_error(fd).unwrap_or_default();
    if pending != 0 {
        table.set_pending_error(fd, u16::try_from(pending).unwrap_or(errno::INVAL));
    }
    pending != 0
}

/// The result of waiting for a descriptor that cannot be waited for: BADF if it is closed, SUCCESS for a file, which is
/// always ready.
pub(crate) fn immediate_result(fd: Fd) -> Option<Errno> {
    match calls::fd_status(fd) {
        Ok(status) => status.is_file.then_some(errno::SUCCESS),
        Err(number) => Some(number),
    }
}
