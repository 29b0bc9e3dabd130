//! The runtime's error numbers (`api.hpp`, `__wasi_errno_t`) and their meaning for a caller.
//!
//! The numbers are those of WASI. `std::io::Error::from_raw_os_error` expects them on this target and derives the kind,
//! such as `WouldBlock`. Numbers from 77 on are WasmEdge's own, for name lookups (`fromEAIErrNo` in `linux.h`).

#[cfg(any(target_os = "wasi", test))]
use std::io::{Error, ErrorKind};

/// No error.
pub const SUCCESS: u16 = 0;
/// The operation would block: repeat it when the socket is ready.
pub const AGAIN: u16 = 6;
/// No such descriptor.
pub const BADF: u16 = 8;
/// The peer closed the connection before it was accepted.
pub const CONNABORTED: u16 = 13;
/// Exists already. From `poll_oneoff`: the descriptor is subscribed twice, or remains from an interrupted wait.
pub const EXIST: u16 = 20;
/// The connection is being made; the socket becomes writable when it is done.
pub const INPROGRESS: u16 = 26;
/// A signal interrupted the call. A freeze and thaw does, too.
pub const INTR: u16 = 27;
/// No route to the host.
pub const HOSTUNREACH: u16 = 23;
/// Invalid argument.
pub const INVAL: u16 = 28;
/// The process has reached its limit of descriptors.
pub const MFILE: u16 = 33;
/// The network is down.
pub const NETDOWN: u16 = 38;
/// No route to the network.
pub const NETUNREACH: u16 = 40;
/// The system has reached its limit of descriptors.
pub const NFILE: u16 = 41;
/// No buffer space in the kernel.
pub const NOBUFS: u16 = 42;
/// No memory.
pub const NOMEM: u16 = 48;
/// The protocol has no such option.
pub const NOPROTOOPT: u16 = 50;
/// The socket is not connected.
pub const NOTCONN: u16 = 53;
/// Not supported by this socket.
pub const NOTSUP: u16 = 58;
/// Not permitted. From `poll_oneoff`: no descriptor of this kind can be waited for.
pub const PERM: u16 = 63;
/// Protocol error.
pub const PROTO: u16 = 65;
/// The address family is not supported.
pub const AFNOSUPPORT: u16 = 5;
/// No address of that family for the name.
pub const AIADDRFAMILY: u16 = 77;
/// The name server did not answer, or asked to try again.
pub const AIAGAIN: u16 = 78;
/// The name server failed for good.
pub const AIFAIL: u16 = 80;
/// The name exists and has no address.
pub const AINODATA: u16 = 83;
/// No such name.
pub const AINONAME: u16 = 84;
/// No such service: `/etc/services` is missing or does not know it.
pub const AISERVICE: u16 = 85;
/// The resolver could not do its work (no file descriptor, no network).
pub const AISYSTEM: u16 = 87;

/// Converts a host function's result.
///
/// # Errors
/// The error of that number, unless it is zero.
#[cfg(any(target_os = "wasi", test))]
pub(crate) fn check(result: u32) -> Result<(), Error> {
    if result == u32::from(SUCCESS) { Ok(()) } else { Err(error(result)) }
}

/// The error of that number.
#[cfg(any(target_os = "wasi", test))]
pub(crate) fn error(number: u32) -> Error {
    Error::from_raw_os_error(i32::try_from(number).unwrap_or(i32::from(INVAL)))
}

/// Whether the error is of that number.
#[cfg(any(target_os = "wasi", test))]
pub(crate) fn is(error: &Error, number: u16) -> bool {
    error.raw_os_error() == Some(i32::from(number))
}

/// Whether an error of accept concerns only the connection that was to be accepted: it was closed, or has a pending
/// network error, which Linux reports here (accept(2), "Error handling"; the runtime has no number for `EHOSTDOWN` and
/// `ENONET`). The next connection may succeed.
#[cfg(any(target_os = "wasi", test))]
pub(crate) fn is_per_connection(error: &Error) -> bool {
    [CONNABORTED, NETDOWN, PROTO, NOPROTOOPT, HOSTUNREACH, NOTSUP, NETUNREACH].iter().any(|number| is(error, *number))
}

/// Whether a failed lookup of the same name may succeed later: no server said that the name does not exist.
#[cfg(any(target_os = "wasi", test))]
pub(crate) fn is_temporary(number: u16) -> bool {
    matches!(number, AIAGAIN | AIFAIL | AISYSTEM | NOMEM | MFILE | NFILE)
}

/// The kind of a failed lookup and its description.
#[cfg(any(target_os = "wasi", test))]
pub(crate) fn describe_lookup_error(number: u16) -> (ErrorKind, &'static str) {
    match number {
        AINONAME => (ErrorKind::NotFound, "no such name"),
        AINODATA | AIADDRFAMILY => (ErrorKind::NotFound, "the name has no address"),
        AIAGAIN => (ErrorKind::TimedOut, "no name server responded, try again"),
        AIFAIL => (ErrorKind::Other, "the name server failed"),
        AISERVICE => (ErrorKind::InvalidInput, "no such service"),
        AISYSTEM => (ErrorKind::Other, "the resolver failed"),
        _ => (ErrorKind::Other, "the lookup failed"),
    }
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn zero_is_success_and_any_other_number_is_its_error() {
        assert!(check(0).is_ok());
        for number in 1..=87 {
            let error = check(number).expect_err("a number is an error");
            assert_eq!(error.raw_os_error(), i32::try_from(number).ok());
        }
    }

    #[test]
    fn a_number_out_of_range_is_an_error_and_no_panic() {
        assert!(is(&error(u32::MAX), INVAL));
    }

    #[test]
    fn errors_of_one_connection_and_of_the_listener_are_distinguished() {
        for number in [CONNABORTED, NETDOWN, PROTO, NOPROTOOPT, HOSTUNREACH, NOTSUP, NETUNREACH] {
            assert!(is_per_connection(&error(number.into())), "{number}");
        }
        for number in [AGAIN, BADF, INVAL, MFILE, NFILE, NOBUFS, NOMEM, PERM] {
            assert!(!is_per_connection(&error(number.into())), "{number}");
        }
    }

    #[test]
    fn each_lookup_error_has_its_own_description() {
        let descriptions: std::collections::BTreeSet<_> = [AINONAME, AINODATA, AIAGAIN, AIFAIL, AISERVICE, AISYSTEM]
            .map(|number| describe_lookup_error(number).1)
            .into();
        assert_eq!(descriptions.len(), 6);
    }
}
