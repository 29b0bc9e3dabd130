//! The runtime's error numbers (`api.hpp`, `__wasi_errno_t`) and what each means for a caller.
//!
//! The numbers are WASI's, which are also what `std::io::Error::from_raw_os_error` expects on this target, so that kinds such as
//! `WouldBlock` and `ConnectionReset` come out right. From 77 on they are WasmEdge's own, for names (`fromEAIErrNo` in `linux.h`).

#[cfg(any(target_os = "wasi", test))]
use std::io::{Error, ErrorKind};

/// No error.
pub const SUCCESS: u16 = 0;
/// The operation would block: ask again when the socket is ready.
pub const AGAIN: u16 = 6;
/// No such descriptor.
pub const BADF: u16 = 8;
/// The peer gave the connection up before it was accepted.
pub const CONNABORTED: u16 = 13;
/// Already there. From `poll_oneoff`: the descriptor is subscribed twice, or left over from an interrupted wait.
pub const EXIST: u16 = 20;
/// A connection is being made; readiness to write says when.
pub const INPROGRESS: u16 = 26;
/// A signal came, a freeze among them.
pub const INTR: u16 = 27;
/// No way to the host.
pub const HOSTUNREACH: u16 = 23;
/// An argument the runtime does not take.
pub const INVAL: u16 = 28;
/// The process has no descriptor left.
pub const MFILE: u16 = 33;
/// The network is down.
pub const NETDOWN: u16 = 38;
/// No way to the network.
pub const NETUNREACH: u16 = 40;
/// The system has no descriptor left.
pub const NFILE: u16 = 41;
/// No buffer space in the kernel.
pub const NOBUFS: u16 = 42;
/// No memory.
pub const NOMEM: u16 = 48;
/// The protocol has no such option.
pub const NOPROTOOPT: u16 = 50;
/// The socket is not connected.
pub const NOTCONN: u16 = 53;
/// The socket cannot do that.
pub const NOTSUP: u16 = 58;
/// Not permitted; of a wait: this descriptor is of no kind that can be waited for.
pub const PERM: u16 = 63;
/// The protocol was broken.
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

/// What a host function's result says.
///
/// # Errors
/// Any number but zero, as the error of that number.
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

/// Whether an error of accept is about the one connection that was to be accepted: it is gone, or the network has an error for it already, which
/// Linux reports here (accept(2), "Error handling"; two of those it lists, `EHOSTDOWN` and `ENONET`, the runtime has no number for). The next
/// connection may be well.
#[cfg(any(target_os = "wasi", test))]
pub(crate) fn is_of_one_connection(error: &Error) -> bool {
    [CONNABORTED, NETDOWN, PROTO, NOPROTOOPT, HOSTUNREACH, NOTSUP, NETUNREACH].iter().any(|number| is(error, *number))
}

/// Whether a failed lookup may succeed later for the same name: nobody said that the name does not exist.
#[cfg(any(target_os = "wasi", test))]
pub(crate) fn is_passing(number: u16) -> bool {
    matches!(number, AIAGAIN | AIFAIL | AISYSTEM | NOMEM | MFILE | NFILE)
}

/// What a failed lookup means, in words and as a kind.
#[cfg(any(target_os = "wasi", test))]
pub(crate) fn lookup(number: u16) -> (ErrorKind, &'static str) {
    match number {
        AINONAME => (ErrorKind::NotFound, "no such name"),
        AINODATA | AIADDRFAMILY => (ErrorKind::NotFound, "the name has no address"),
        AIAGAIN => (ErrorKind::TimedOut, "no name server gave an answer, try again"),
        AIFAIL => (ErrorKind::Other, "the name server failed"),
        AISERVICE => (ErrorKind::InvalidInput, "no such service"),
        AISYSTEM => (ErrorKind::Other, "the resolver could not work"),
        _ => (ErrorKind::Other, "the lookup failed"),
    }
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "a test may end")]
mod tests {
    use super::*;

    #[test]
    fn zero_is_success_and_everything_else_is_the_error_of_that_number() {
        assert!(check(0).is_ok());
        for number in 1..=87 {
            let error = check(number).expect_err("a number is an error");
            assert_eq!(error.raw_os_error(), i32::try_from(number).ok());
        }
    }

    #[test]
    fn a_number_beyond_all_numbers_is_an_error_and_no_panic() {
        assert!(is(&error(u32::MAX), INVAL));
    }

    #[test]
    fn an_error_of_one_connection_is_none_of_the_listeners() {
        for number in [CONNABORTED, NETDOWN, PROTO, NOPROTOOPT, HOSTUNREACH, NOTSUP, NETUNREACH] {
            assert!(is_of_one_connection(&error(number.into())), "{number}");
        }
        for number in [AGAIN, BADF, INVAL, MFILE, NFILE, NOBUFS, NOMEM, PERM] {
            assert!(!is_of_one_connection(&error(number.into())), "{number}");
        }
    }

    #[test]
    fn each_lookup_error_has_words_of_its_own() {
        let said: std::collections::BTreeSet<_> =
            [AINONAME, AINODATA, AIAGAIN, AIFAIL, AISERVICE, AISYSTEM].map(|number| lookup(number).1).into();
        assert_eq!(said.len(), 6);
    }
}
