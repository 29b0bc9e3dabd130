//! A descriptor that is closed when its owner is dropped.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, RawFd};

use super::abi;

/// An open descriptor of this process; closed when dropped.
#[derive(Debug)]
pub(crate) struct Descriptor(RawFd);

impl Descriptor {
    /// Owns a descriptor that the runtime has just opened.
    pub(super) fn opened(fd: u32) -> Self {
        Self(fd as RawFd)
    }

    /// The number as the runtime takes it.
    pub(crate) fn number(&self) -> u32 {
        self.0 as u32
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: the call takes a number only, and the descriptor is owned by this value. A failure changes nothing.
        let _ = unsafe { abi::fd_close(self.number()) };
    }
}

impl AsRawFd for Descriptor {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the descriptor is open as long as `self` lives, and the borrow ends before. The runtime never opens
        // -1.
        unsafe { BorrowedFd::borrow_raw(self.0) }
    }
}

impl FromRawFd for Descriptor {
    unsafe fn from_raw_fd(fd: RawFd) -> Self {
        Self(fd)
    }
}
