//! Socket options as bytes. The runtime hands them to the kernel unchanged.

use std::io;

use super::{abi, errno};

/// `SOL_SOCKET` (`__wasi_sock_opt_level_t`), the only level.
const SOL_SOCKET: u32 = 0;

/// `SO_ERROR` (`__wasi_sock_opt_so_t`).
const SO_ERROR: u32 = 2;

/// Reads an option into `value` and returns its length.
pub(crate) fn get(fd: u32, name: u32, value: &mut [u8]) -> io::Result<usize> {
    let mut size = u32::try_from(value.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: `value` is borrowed mutably and `size` is its length.
    let result = unsafe { abi::sock_getsockopt(fd, SOL_SOCKET, name, value.as_mut_ptr(), &mut size) };
    errno::check(result).map(|()| size as usize)
}

/// Reads an option that is a number.
pub(crate) fn number(fd: u32, name: u32) -> io::Result<i32> {
    let mut value = [0; 4];
    get(fd, name, &mut value)?;
    Ok(i32::from_le_bytes(value))
}

/// Takes the pending error from the kernel; 0 is none.
pub(crate) fn take_error(fd: u32) -> io::Result<u32> {
    number(fd, SO_ERROR).map(|number| number as u32)
}

/// Sets an option to the bytes of `value`.
pub(crate) fn set<T: Copy>(fd: u32, level: u32, name: u32, value: &T) -> io::Result<()> {
    let size = u32::try_from(size_of::<T>()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: `value` is borrowed and has `size` bytes; the runtime only reads them.
    errno::check(unsafe { abi::sock_setsockopt(fd, level, name, (&raw const *value).cast(), size) })
}

/// Sets an option to these bytes.
pub(crate) fn set_bytes(fd: u32, name: u32, value: &[u8]) -> io::Result<()> {
    let size = u32::try_from(value.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: `value` is borrowed and `size` is its length; the runtime only reads it.
    errno::check(unsafe { abi::sock_setsockopt(fd, SOL_SOCKET, name, value.as_ptr(), size) })
}
