//! Declarations of the host functions in WasmEdge's module `wasi_snapshot_preview1` (`wasimodule.cpp`).
//!
//! WasmEdge has two versions (`V1`, `V2`) of some functions and chooses by the signature that the program imports. The
//! signatures here choose `V1` of `sock_accept`, `sock_getlocaladdr` and `sock_getpeeraddr`, and `V2` of
//! `sock_recv_from`. WasmEdge 0.12 and later have them all.

use super::poll_types::{Event, Subscription};

/// A buffer for an address (`__wasi_address_t`).
#[repr(C)]
pub(crate) struct Address {
    /// The first byte.
    pub(crate) buf: *mut u8,
    /// 4, 16 or 128. The runtime tells the form of the address by it.
    pub(crate) size: usize,
}

/// A buffer to read into (`__wasi_iovec_t`). Buffers to write from have the same layout.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct IoVec {
    /// The first byte.
    pub(crate) buf: *mut u8,
    /// The number of bytes.
    pub(crate) size: usize,
}

/// The hint for `sock_getaddrinfo`, and an entry of its result (`__wasi_addrinfo_t`, 28 bytes).
#[repr(C)]
pub(crate) struct AddrInfo {
    /// `__wasi_aiflags_t`.
    pub(crate) flags: u16,
    /// `__wasi_address_family_t`; 0 is any.
    pub(crate) family: u8,
    /// `__wasi_sock_type_t`; 2 is a stream.
    pub(crate) kind: u8,
    /// `__wasi_protocol_t`; 1 is TCP.
    pub(crate) protocol: u8,
    /// The length of the address; 0 when there is none.
    pub(crate) addrlen: u32,
    /// The buffer for the address.
    pub(crate) addr: *mut SockAddr,
    /// The buffer for the canonical name; unused.
    pub(crate) canonname: *mut u8,
    /// Its size.
    pub(crate) canonname_len: u32,
    /// The next entry.
    pub(crate) next: *mut AddrInfo,
}

/// One address of a result (`__wasi_sockaddr_t`, 12 bytes).
#[repr(C)]
pub(crate) struct SockAddr {
    /// `__wasi_address_family_t`.
    pub(crate) family: u8,
    /// The length of the data.
    pub(crate) len: u32,
    /// The kernel's `sa_data`. The runtime writes 14 or 26 bytes whatever `len` says (`INode::getAddrinfo`).
    pub(crate) data: *mut u8,
}

/// `__wasi_fdstat_t`, 24 bytes.
#[repr(C)]
#[derive(Default)]
pub(crate) struct FdStat {
    /// `__wasi_filetype_t`.
    pub(crate) filetype: u8,
    /// `__wasi_fdflags_t`.
    pub(crate) flags: u16,
    /// Not used here.
    pub(crate) rights_base: u64,
    /// Not used here.
    pub(crate) rights_inheriting: u64,
}

/// `__WASI_FILETYPE_DIRECTORY`.
pub(crate) const DIRECTORY: u8 = 3;
/// `__WASI_FILETYPE_REGULAR_FILE`.
pub(crate) const REGULAR_FILE: u8 = 4;

/// `__WASI_FDFLAGS_NONBLOCK`.
pub(crate) const NONBLOCK: u16 = 1 << 2;

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    pub(crate) fn sock_open(family: u32, kind: u32, fd: *mut u32) -> u32;
    pub(crate) fn sock_bind(fd: u32, address: *const Address, port: u32) -> u32;
    pub(crate) fn sock_listen(fd: u32, backlog: u32) -> u32;
    pub(crate) fn sock_accept(fd: u32, accepted: *mut u32) -> u32;
    pub(crate) fn sock_connect(fd: u32, address: *const Address, port: u32) -> u32;
    pub(crate) fn sock_recv(
        fd: u32,
        iovecs: *const IoVec,
        count: usize,
        flags: u32,
        length: *mut usize,
        out: *mut u32,
    ) -> u32;
    pub(crate) fn sock_recv_from(
        fd: u32,
        iovecs: *const IoVec,
        count: usize,
        address: *const Address,
        flags: u32,
        port: *mut u32,
        length: *mut usize,
        out: *mut u32,
    ) -> u32;
    pub(crate) fn sock_send(fd: u32, iovecs: *const IoVec, count: usize, flags: u32, length: *mut usize) -> u32;
    pub(crate) fn sock_send_to(
        fd: u32,
        iovecs: *const IoVec,
        count: usize,
        address: *const Address,
        port: u32,
        flags: u32,
        length: *mut usize,
    ) -> u32;
    pub(crate) fn sock_shutdown(fd: u32, how: u32) -> u32;
    pub(crate) fn sock_getlocaladdr(fd: u32, address: *const Address, family: *mut u32, port: *mut u32) -> u32;
    pub(crate) fn sock_getpeeraddr(fd: u32, address: *const Address, family: *mut u32, port: *mut u32) -> u32;
    pub(crate) fn sock_getsockopt(fd: u32, level: u32, name: u32, value: *mut u8, size: *mut u32) -> u32;
    pub(crate) fn sock_setsockopt(fd: u32, level: u32, name: u32, value: *const u8, size: u32) -> u32;
    pub(crate) fn sock_getaddrinfo(
        node: *const u8,
        node_len: usize,
        service: *const u8,
        service_len: usize,
        hint: *const AddrInfo,
        entries: *const *mut AddrInfo,
        max: u32,
        count: *mut u32,
    ) -> u32;
    pub(crate) fn poll_oneoff(
        subscriptions: *const Subscription,
        events: *mut Event,
        count: usize,
        happened: *mut usize,
    ) -> u32;
    pub(crate) fn fd_close(fd: u32) -> u32;
    pub(crate) fn fd_fdstat_get(fd: u32, stat: *mut FdStat) -> u32;
    pub(crate) fn fd_fdstat_set_flags(fd: u32, flags: u32) -> u32;
    pub(crate) fn clock_time_get(clock: u32, precision: u64, time: *mut u64) -> u32;
}
