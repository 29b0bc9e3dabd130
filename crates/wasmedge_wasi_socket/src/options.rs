//! Socket options: those that WasmEdge passes on (`__wasi_sock_opt_so_t`), all of level `SOL_SOCKET`. `TCP_NODELAY` is not among them.

use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

use crate::socket::{Socket, SocketType};
use crate::{edges, errno, host};

/// The level of an option; there is one.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SocketOptLevel {
    /// `SOL_SOCKET`.
    SolSocket = 0,
}

/// An option (`__wasi_sock_opt_so_t`).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SocketOptName {
    /// May bind an address that an old connection still holds.
    SoReuseaddr = 0,
    /// Stream or datagram.
    SoType = 1,
    /// The error that is pending, taken by reading.
    SoError = 2,
    /// No gateways.
    SoDontroute = 3,
    /// May send to a broadcast address.
    SoBroadcast = 4,
    /// The size of the send buffer.
    SoSndbuf = 5,
    /// The size of the receive buffer.
    SoRcvbuf = 6,
    /// Asks a silent peer whether it is there.
    SoKeepalive = 7,
    /// Urgent data in line.
    SoOobinline = 8,
    /// Waits in close.
    SoLinger = 9,
    /// The least to be read at once.
    SoRcvlowat = 10,
    /// How long a blocking read waits.
    SoRcvtimeo = 11,
    /// How long a blocking write waits.
    SoSndtimeo = 12,
    /// Whether it listens.
    SoAcceptconn = 13,
    /// The network device it is bound to.
    SoBindToDevice = 14,
}

impl TryFrom<i32> for SocketOptLevel {
    type Error = io::Error;

    fn try_from(value: i32) -> Result<Self, Self::Error> {
        if value == 0 { Ok(Self::SolSocket) } else { Err(io::ErrorKind::InvalidInput.into()) }
    }
}

impl TryFrom<i32> for SocketOptName {
    type Error = io::Error;

    fn try_from(value: i32) -> Result<Self, Self::Error> {
        use SocketOptName as Name;
        let all = [
            Name::SoReuseaddr,
            Name::SoType,
            Name::SoError,
            Name::SoDontroute,
            Name::SoBroadcast,
            Name::SoSndbuf,
            Name::SoRcvbuf,
            Name::SoKeepalive,
            Name::SoOobinline,
            Name::SoLinger,
            Name::SoRcvlowat,
            Name::SoRcvtimeo,
            Name::SoSndtimeo,
            Name::SoAcceptconn,
            Name::SoBindToDevice,
        ];
        all.into_iter().find(|name| *name as i32 == value).ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }
}

/// The kernel's `timeval` on the 64-bit hosts that WasmEdge runs on: the runtime hands the bytes through as they are.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Timeval {
    seconds: i64,
    micros: i64,
}

impl Socket {
    /// Sets an option to the bytes of `payload`, which must be what the host's kernel takes for it.
    ///
    /// # Errors
    /// The kernel's.
    pub fn setsockopt<T: Copy>(&self, level: SocketOptLevel, name: SocketOptName, payload: T) -> io::Result<()> {
        let size = u32::try_from(size_of::<T>()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let value = (&raw const payload).cast();
        // SAFETY: `value` points at `payload`, of which `size` bytes are there; the runtime only reads them.
        errno::check(unsafe { host::sock_setsockopt(self.as_raw_fd() as u32, level as u32, name as u32, value, size) })
    }

    /// Fills `value` with an option's bytes and says how many came.
    fn getsockopt(&self, name: SocketOptName, value: &mut [u8]) -> io::Result<usize> {
        let mut size = u32::try_from(value.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let level = SocketOptLevel::SolSocket as u32;
        // SAFETY: `value` is borrowed for writing and `size` is its length.
        let result = unsafe {
            host::sock_getsockopt(self.as_raw_fd() as u32, level, name as u32, value.as_mut_ptr(), &mut size)
        };
        errno::check(result).map(|()| size as usize)
    }

    /// An option that is a number.
    fn number_of(&self, name: SocketOptName) -> io::Result<i32> {
        let mut value = [0; 4];
        self.getsockopt(name, &mut value)?;
        Ok(i32::from_le_bytes(value))
    }

    /// An option that is a time; zero is none.
    fn time_of(&self, name: SocketOptName) -> io::Result<Option<Duration>> {
        let mut value = [0; 16];
        self.getsockopt(name, &mut value)?;
        let part =
            |range| value.get(range).and_then(|bytes: &[u8]| bytes.try_into().ok()).map_or(0, i64::from_le_bytes);
        let seconds = Duration::from_secs(u64::try_from(part(0..8)).unwrap_or(0));
        let time = seconds + Duration::from_micros(u64::try_from(part(8..16)).unwrap_or(0));
        Ok((!time.is_zero()).then_some(time))
    }

    /// Sets a time; none is zero, and a time below a microsecond is one.
    fn set_time(&self, name: SocketOptName, time: Option<Duration>) -> io::Result<()> {
        let payload = time.map_or_else(Timeval::default, |time| Timeval {
            seconds: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
            micros: i64::from(time.subsec_micros()).max(i64::from(time.as_secs() == 0)),
        });
        self.setsockopt(SocketOptLevel::SolSocket, name, payload)
    }

    /// Takes the pending error: how a connect has ended.
    ///
    /// # Errors
    /// The error that was pending, or the kernel's.
    pub fn take_error(&self) -> io::Result<()> {
        edges::take_failure(self.as_raw_fd() as u32)?;
        errno::check(self.pending_error()?)
    }

    /// Takes the number of the pending error from the kernel; 0 is none.
    pub(crate) fn pending_error(&self) -> io::Result<u32> {
        self.number_of(SocketOptName::SoError).map(|number| number as u32)
    }

    /// Whether the socket listens.
    ///
    /// # Errors
    /// The kernel's.
    pub fn is_listener(&self) -> io::Result<bool> {
        self.number_of(SocketOptName::SoAcceptconn).map(|value| value != 0)
    }

    /// Stream or datagram; the runtime has translated the kernel's number (`fromSockType` in `linux.h`).
    ///
    /// # Errors
    /// The kernel's.
    pub fn r#type(&self) -> io::Result<SocketType> {
        match self.number_of(SocketOptName::SoType)? {
            1 => Ok(SocketType::Datagram),
            2 => Ok(SocketType::Stream),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// Whether it may send to a broadcast address.
    ///
    /// # Errors
    /// The kernel's.
    pub fn broadcast(&self) -> io::Result<bool> {
        self.number_of(SocketOptName::SoBroadcast).map(|value| value != 0)
    }

    /// Whether silent peers are asked whether they are there.
    ///
    /// # Errors
    /// The kernel's.
    pub fn keepalive(&self) -> io::Result<bool> {
        self.number_of(SocketOptName::SoKeepalive).map(|value| value != 0)
    }

    /// Whether an address may be used again.
    ///
    /// # Errors
    /// The kernel's.
    pub fn reuse_address(&self) -> io::Result<bool> {
        self.number_of(SocketOptName::SoReuseaddr).map(|value| value != 0)
    }

    /// The size of the receive buffer in bytes.
    ///
    /// # Errors
    /// The kernel's.
    pub fn recv_buffer_size(&self) -> io::Result<usize> {
        self.number_of(SocketOptName::SoRcvbuf).map(|value| value as u32 as usize)
    }

    /// The size of the send buffer in bytes.
    ///
    /// # Errors
    /// The kernel's.
    pub fn send_buffer_size(&self) -> io::Result<usize> {
        self.number_of(SocketOptName::SoSndbuf).map(|value| value as u32 as usize)
    }

    /// How long a blocking write waits.
    ///
    /// # Errors
    /// The kernel's.
    pub fn get_send_timeout(&self) -> io::Result<Option<Duration>> {
        self.time_of(SocketOptName::SoSndtimeo)
    }

    /// How long a blocking read waits.
    ///
    /// # Errors
    /// The kernel's.
    pub fn get_recv_timeout(&self) -> io::Result<Option<Duration>> {
        self.time_of(SocketOptName::SoRcvtimeo)
    }

    /// Bounds how long a blocking write, or a blocking connect, waits; `None` is for ever.
    ///
    /// # Errors
    /// The kernel's.
    pub fn set_send_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        self.set_time(SocketOptName::SoSndtimeo, time)
    }

    /// Bounds how long a blocking read waits; `None` is for ever.
    ///
    /// # Errors
    /// The kernel's.
    pub fn set_recv_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        self.set_time(SocketOptName::SoRcvtimeo, time)
    }

    /// The network device the socket is bound to.
    ///
    /// # Errors
    /// The kernel's.
    pub fn device(&self) -> io::Result<Option<Vec<u8>>> {
        let mut name = [0; 16];
        let length = self.getsockopt(SocketOptName::SoBindToDevice, &mut name)?;
        let name: Vec<u8> = name.iter().take(length).take_while(|byte| **byte != 0).copied().collect();
        Ok((!name.is_empty()).then_some(name))
    }

    /// Binds the socket to a network device, or to none.
    ///
    /// # Errors
    /// The kernel's; the process needs the right to.
    pub fn bind_device(&self, interface: Option<&[u8]>) -> io::Result<()> {
        let name = interface.unwrap_or_default();
        let size = u32::try_from(name.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let (level, option) = (SocketOptLevel::SolSocket as u32, SocketOptName::SoBindToDevice as u32);
        // SAFETY: `name` is borrowed and `size` is its length; the runtime only reads.
        errno::check(unsafe { host::sock_setsockopt(self.as_raw_fd() as u32, level, option, name.as_ptr(), size) })
    }
}
