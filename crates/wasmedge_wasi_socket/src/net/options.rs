//! The socket options that WasmEdge supports (`__wasi_sock_opt_so_t`), all of level `SOL_SOCKET`. `TCP_NODELAY` is not
//! among them.

use std::io;
use std::time::Duration;

use super::socket::{Socket, SocketType};
use crate::sys::{errno, options};

/// The level of an option.
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
    /// Allows binding an address that an old connection still uses.
    SoReuseaddr = 0,
    /// The type: stream or datagram.
    SoType = 1,
    /// The pending error; reading it clears it.
    SoError = 2,
    /// Bypasses gateways.
    SoDontroute = 3,
    /// Allows sending to a broadcast address.
    SoBroadcast = 4,
    /// The size of the send buffer.
    SoSndbuf = 5,
    /// The size of the receive buffer.
    SoRcvbuf = 6,
    /// Probes a silent peer.
    SoKeepalive = 7,
    /// Delivers urgent data in line.
    SoOobinline = 8,
    /// Blocks in close until data are sent.
    SoLinger = 9,
    /// The minimum number of bytes for a read.
    SoRcvlowat = 10,
    /// The timeout of a blocking read.
    SoRcvtimeo = 11,
    /// The timeout of a blocking write.
    SoSndtimeo = 12,
    /// Whether the socket listens.
    SoAcceptconn = 13,
    /// The network device that the socket is bound to.
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

/// The kernel's `timeval` on the 64-bit hosts that WasmEdge runs on. The runtime passes the bytes on unchanged.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Timeval {
    seconds: i64,
    micros: i64,
}

impl Socket {
    /// Sets an option to the bytes of `payload`, which must have the form that the host's kernel expects.
    ///
    /// # Errors
    /// The kernel's.
    pub fn setsockopt<T: Copy>(&self, level: SocketOptLevel, name: SocketOptName, payload: T) -> io::Result<()> {
        options::set(self.number(), level as u32, name as u32, &payload)
    }

    /// An option that is a number.
    fn number_option(&self, name: SocketOptName) -> io::Result<i32> {
        options::number(self.number(), name as u32)
    }

    /// An option that is a switch.
    fn switch_option(&self, name: SocketOptName) -> io::Result<bool> {
        self.number_option(name).map(|value| value != 0)
    }

    /// An option that is a timeout; zero is none.
    fn timeout_option(&self, name: SocketOptName) -> io::Result<Option<Duration>> {
        let mut value = [0; 16];
        options::get(self.number(), name as u32, &mut value)?;
        let part =
            |range| value.get(range).and_then(|bytes: &[u8]| bytes.try_into().ok()).map_or(0, i64::from_le_bytes);
        let seconds = Duration::from_secs(u64::try_from(part(0..8)).unwrap_or(0));
        let timeout = seconds + Duration::from_micros(u64::try_from(part(8..16)).unwrap_or(0));
        Ok((!timeout.is_zero()).then_some(timeout))
    }

    /// Sets a timeout. None is zero, and a timeout below a microsecond is one microsecond.
    fn set_timeout(&self, name: SocketOptName, timeout: Option<Duration>) -> io::Result<()> {
        let payload = timeout.map_or_else(Timeval::default, |timeout| Timeval {
            seconds: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            micros: i64::from(timeout.subsec_micros()).max(i64::from(timeout.as_secs() == 0)),
        });
        self.setsockopt(SocketOptLevel::SolSocket, name, payload)
    }

    /// Takes the pending error, such as the result of a connect.
    ///
    /// # Errors
    /// The error that was pending, or the kernel's.
    pub fn take_error(&self) -> io::Result<()> {
        self.check_pending_error()?;
        errno::check(options::take_error(self.number())?)
    }

    /// Whether the socket listens.
    ///
    /// # Errors
    /// The kernel's.
    pub fn is_listener(&self) -> io::Result<bool> {
        self.switch_option(SocketOptName::SoAcceptconn)
    }

    /// Stream or datagram. The runtime translates the kernel's number (`fromSockType` in `linux.h`).
    ///
    /// # Errors
    /// The kernel's.
    pub fn r#type(&self) -> io::Result<SocketType> {
        match self.number_option(SocketOptName::SoType)? {
            1 => Ok(SocketType::Datagram),
            2 => Ok(SocketType::Stream),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// Whether sending to a broadcast address is allowed.
    ///
    /// # Errors
    /// The kernel's.
    pub fn broadcast(&self) -> io::Result<bool> {
        self.switch_option(SocketOptName::SoBroadcast)
    }

    /// Whether silent peers are probed.
    ///
    /// # Errors
    /// The kernel's.
    pub fn keepalive(&self) -> io::Result<bool> {
        self.switch_option(SocketOptName::SoKeepalive)
    }

    /// Whether an address in use may be bound.
    ///
    /// # Errors
    /// The kernel's.
    pub fn reuse_address(&self) -> io::Result<bool> {
        self.switch_option(SocketOptName::SoReuseaddr)
    }

    /// The size of the receive buffer in bytes.
    ///
    /// # Errors
    /// The kernel's.
    pub fn recv_buffer_size(&self) -> io::Result<usize> {
        self.number_option(SocketOptName::SoRcvbuf).map(|value| value as u32 as usize)
    }

    /// The size of the send buffer in bytes.
    ///
    /// # Errors
    /// The kernel's.
    pub fn send_buffer_size(&self) -> io::Result<usize> {
        self.number_option(SocketOptName::SoSndbuf).map(|value| value as u32 as usize)
    }

    /// The timeout of a blocking write.
    ///
    /// # Errors
    /// The kernel's.
    pub fn get_send_timeout(&self) -> io::Result<Option<Duration>> {
        self.timeout_option(SocketOptName::SoSndtimeo)
    }

    /// The timeout of a blocking read.
    ///
    /// # Errors
    /// The kernel's.
    pub fn get_recv_timeout(&self) -> io::Result<Option<Duration>> {
        self.timeout_option(SocketOptName::SoRcvtimeo)
    }

    /// Sets the timeout of blocking writes and connects; `None` is none.
    ///
    /// # Errors
    /// The kernel's.
    pub fn set_send_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.set_timeout(SocketOptName::SoSndtimeo, timeout)
    }

    /// Sets the timeout of blocking reads; `None` is none.
    ///
    /// # Errors
    /// The kernel's.
    pub fn set_recv_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.set_timeout(SocketOptName::SoRcvtimeo, timeout)
    }

    /// The network device that the socket is bound to.
    ///
    /// # Errors
    /// The kernel's.
    pub fn device(&self) -> io::Result<Option<Vec<u8>>> {
        let mut name = [0; 16];
        let length = options::get(self.number(), SocketOptName::SoBindToDevice as u32, &mut name)?;
        let name: Vec<u8> = name.iter().take(length).take_while(|byte| **byte != 0).copied().collect();
        Ok((!name.is_empty()).then_some(name))
    }

    /// Binds the socket to a network device, or to none.
    ///
    /// # Errors
    /// The kernel's; the process needs a privilege.
    pub fn bind_device(&self, interface: Option<&[u8]>) -> io::Result<()> {
        let name = interface.unwrap_or_default();
        options::set_bytes(self.number(), SocketOptName::SoBindToDevice as u32, name)
    }
}
