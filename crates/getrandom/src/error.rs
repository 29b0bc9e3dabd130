//! The error, with the interface of the published crate.

use std::fmt;
use std::num::NonZeroU32;

/// Why there are no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error(NonZeroU32);

impl Error {
    /// Codes below this one are the operating system's.
    pub const INTERNAL_START: u32 = 1 << 31;

    /// Codes from this one on are not the published crate's own.
    pub const CUSTOM_START: u32 = (1 << 31) + (1 << 30);

    /// The sources have less than 128 bits that an attacker cannot predict.
    pub const TOO_FEW_BITS: Self = Self(NonZeroU32::new(Self::CUSTOM_START).unwrap());

    /// The error's code.
    #[must_use]
    pub const fn code(self) -> NonZeroU32 {
        self.0
    }

    /// The operating system's error code.
    #[must_use]
    pub fn raw_os_error(self) -> Option<i32> {
        i32::try_from(self.0.get()).ok()
    }
}

impl From<NonZeroU32> for Error {
    fn from(code: NonZeroU32) -> Self {
        Self(code)
    }
}

impl From<os::Error> for Error {
    fn from(error: os::Error) -> Self {
        let code = error.raw_os_error().and_then(|code| u32::try_from(code).ok()).and_then(NonZeroU32::new);
        code.map_or(Self::TOO_FEW_BITS, Self)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::TOO_FEW_BITS {
            return f.write_str(
                "the module may read no random numbers of the kernel, and the runtime's are predictable; allow the \
                 directory: wasmedge --dir /proc/sys/kernel/random:/proc/sys/kernel/random:readonly",
            );
        }
        write!(f, "no random numbers: error {}", self.0)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_one_line_that_says_what_to_allow() {
        let message = Error::TOO_FEW_BITS.to_string();
        assert!(message.contains("--dir /proc/sys/kernel/random") && !message.contains('\n'), "{message}");
        assert_eq!(Error::TOO_FEW_BITS.raw_os_error(), None);
    }
}
