//! JSON numbers, exactly. Never a float.

/// A decimal number as `digits × 10^exponent`, the digits without trailing zeros.
pub(super) struct Decimal {
    is_negative: bool,
    /// None if the digits exceed a `u64`.
    digits: Option<u64>,
    exponent: i64,
}

impl Decimal {
    /// None unless the text is a number by JSON's grammar.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (text, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((_, "")) => return None,
            Some((whole, fraction)) => (whole, fraction),
            None => (mantissa, ""),
        };
        if whole.is_empty() || (whole.len() > 1 && whole.starts_with('0')) {
            return None;
        }
        let mut digits = Some(0_u64);
        let mut zeros = 0_u32;
        for byte in whole.bytes().chain(fraction.bytes()) {
            match byte {
                b'0' => zeros += 1,
                b'1'..=b'9' => {
                    digits = append(digits, zeros, byte - b'0');
                    zeros = 0;
                }
                _ => return None,
            }
        }
        let exponent = exponent.saturating_add(i64::from(zeros)).saturating_sub(i64::try_from(fraction.len()).ok()?);
        Some(Self { is_negative, digits, exponent })
    }

    /// The number in units of `10^-decimals`. Nothing is rounded.
    pub(super) fn scaled(&self, decimals: i64) -> Result<u64, NotExact> {
        if self.digits == Some(0) {
            return Ok(0);
        }
        if self.is_negative {
            return Err(NotExact::Negative);
        }
        let shift = self.exponent.saturating_add(decimals);
        if shift < 0 {
            return Err(NotExact::TooFine);
        }
        let scale = u32::try_from(shift).ok().and_then(|shift| 10_u64.checked_pow(shift));
        scale.and_then(|scale| self.digits?.checked_mul(scale)).ok_or(NotExact::TooLarge)
    }
}

/// Why a number is no whole number of units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotExact {
    /// It is below zero.
    Negative,
    /// It has more decimals than the unit.
    TooFine,
    /// It exceeds a `u64`.
    TooLarge,
}

/// `digits`, then `zeros` zeros, then `digit`; None if that exceeds a `u64`.
fn append(digits: Option<u64>, zeros: u32, digit: u8) -> Option<u64> {
    match digits? {
        0 => Some(u64::from(digit)),
        digits => digits.checked_mul(10_u64.checked_pow(zeros.checked_add(1)?)?)?.checked_add(u64::from(digit)),
    }
}

/// An exponent by JSON's grammar. One that exceeds an `i64` is clamped: its value is out of range anyway.
fn parse_exponent(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(sign * digits.parse::<i64>().unwrap_or(i64::MAX / 4).min(i64::MAX / 4))
}
