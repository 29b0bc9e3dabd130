//! What is known of sockets without asking.
//!
//! mio_wasi subscribes to readiness to write twice after every read and every write (`IoSourceState::do_io` in its
//! `src/sys/wasi/wasmedge.rs` sets `writestate` to 2), so that each request makes two waits that return at once and tell nobody anything new. A
//! socket that was reported writable, and to which every write since has gone out whole, is still writable as far as its owner can know: a
//! wait need not ask the kernel about it. The first write that does not go out whole, and a connect, end that knowledge.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

thread_local! {
    static SOCKETS: RefCell<Sockets> = const { RefCell::new(None) };
}

/// The sockets of this process that this crate opened, and whether each is known to be writable; made with the first one.
type Sockets = Option<HashMap<u32, bool, BuildHasherDefault<FdHasher>>>;

/// Descriptors are random numbers already.
#[derive(Default)]
struct FdHasher(u64);

impl Hasher for FdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 << 8) ^ u64::from(*byte);
        }
    }

    fn write_u32(&mut self, fd: u32) {
        self.0 = u64::from(fd).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Does something with the table; nothing if it is in use or the process is ending.
fn with<R: Default>(act: impl FnOnce(&mut HashMap<u32, bool, BuildHasherDefault<FdHasher>>) -> R) -> R {
    let act = |cell: &RefCell<Sockets>| {
        cell.try_borrow_mut().map(|mut table| act(table.get_or_insert_default())).unwrap_or_default()
    };
    SOCKETS.try_with(act).unwrap_or_default()
}

/// A socket was opened under this number, which may have been another's before.
pub(crate) fn opened(fd: u32) {
    with(|sockets| {
        sockets.insert(fd, false);
    });
    crate::wait::active(fd);
}

/// A socket was closed.
pub(crate) fn closed(fd: u32) {
    with(|sockets| {
        sockets.remove(&fd);
    });
}

/// Something was written, or nothing could be.
pub(crate) fn sent(fd: u32, whole: bool) {
    if !whole {
        blocked(fd);
    }
    crate::wait::active(fd);
}

/// From now on only the kernel knows whether the socket is writable.
pub(crate) fn blocked(fd: u32) {
    with(|sockets| {
        if let Some(writable) = sockets.get_mut(&fd) {
            *writable = false;
        }
    });
}

/// The kernel has said that the socket is writable, and its owner is told.
pub(crate) fn told(fd: u32) {
    with(|sockets| {
        if let Some(writable) = sockets.get_mut(&fd) {
            *writable = true;
        }
    });
}

/// Whether the socket is known to be writable.
pub(crate) fn is_writable(fd: u32) -> bool {
    with(|sockets| sockets.get(&fd).copied().unwrap_or(false))
}
