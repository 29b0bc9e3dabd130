//! Money as an exact number of cents.

use std::fmt;

use super::decimal::{Decimal, NotExact};

/// An amount of money: at least 0, at most 9 999 999 999.99, two decimals, exact. Never a float.
///
/// The bound is that of the table's `DECIMAL(12,2)`. It also leaves every value exact to the cent for a client that
/// reads JSON numbers as IEEE 754 doubles, which hold 15 significant digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money {
    cents: u64,
}

/// Decimals of the currency.
const DECIMALS: i64 = 2;

impl Money {
    /// The greatest amount.
    pub const MAX: Self = Self { cents: 999_999_999_999 };

    /// Parses a JSON number (RFC 8259 §6): `56`, `56.0`, `0.1`, `1e2`.
    ///
    /// Any notation is valid if its value is exact in cents. Nothing is ever rounded.
    ///
    /// # Errors
    /// The text is not a number, negative, has more than two decimals, or is above [`Money::MAX`]; a message for the
    /// client.
    pub fn parse(json: &str) -> Result<Self, &'static str> {
        let number = Decimal::parse(json).ok_or("must be a number")?;
        match number.scaled(DECIMALS) {
            Ok(cents) if cents <= Self::MAX.cents => Ok(Self { cents }),
            Ok(_) | Err(NotExact::TooLarge) => Err("must be at most 9999999999.99"),
            Err(NotExact::Negative) => Err("must not be negative"),
            Err(NotExact::TooFine) => Err("must have at most two decimals"),
        }
    }

    /// The JSON Schema of its values.
    #[must_use]
    pub fn schema() -> String {
        format!(r#"{{"type":"number","minimum":0,"maximum":{},"multipleOf":0.01}}"#, Self::MAX)
    }

    /// The amount in cents.
    #[must_use]
    pub fn cents(self) -> u64 {
        self.cents
    }
}

/// Always two decimals, as in `56.00`: a JSON number, and the format of a `DECIMAL(12,2)` column.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.cents / 100, self.cents % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn exact_amounts_are_valid_in_any_notation() {
        for (text, cents) in [
            ("0", 0),
            ("-0", 0),
            ("0.0", 0),
            ("-0.00e5", 0),
            ("0e400", 0),
            ("56", 5_600),
            ("56.0", 5_600),
            ("56.000000", 5_600),
            ("0.1", 10),
            ("0.01", 1),
            ("1e2", 10_000),
            ("1E+2", 10_000),
            ("1e-2", 1),
            ("100e-4", 1),
            ("0.0000000001e8", 1),
            ("123.45", 12_345),
            ("99999999.99", 9_999_999_999),
            ("9999999999.99", 999_999_999_999),
        ] {
            assert_eq!(Money::parse(text).map(Money::cents), Ok(cents), "{text}");
        }
    }

    #[test]
    fn amounts_that_are_not_exact_or_out_of_range_are_rejected() {
        for text in ["0.001", "1e-3", "0.005", "1.999", "12345678901234567890.123456789"] {
            assert_eq!(Money::parse(text), Err("must have at most two decimals"), "{text}");
        }
        for text in ["-1", "-0.01", "-1e400"] {
            assert_eq!(Money::parse(text), Err("must not be negative"), "{text}");
        }
        for text in ["1e400", "1e99999999999999999999", "10000000000", "123456789012345678901234567890"] {
            assert_eq!(Money::parse(text), Err("must be at most 9999999999.99"), "{text}");
        }
        for text in
            ["", "-", "NaN", "Infinity", "\"1\"", "null", "true", "[1]", "01", "1.", ".5", "1e", "+1", "0x10", "1_0"]
        {
            assert_eq!(Money::parse(text), Err("must be a number"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_amount_is_the_same_after_encoding_and_decoding(cents in 0..=Money::MAX.cents) {
            let money = Money { cents };
            prop_assert_eq!(Money::parse(&money.to_string()), Ok(money));
        }

        #[test]
        fn all_notations_of_an_amount_are_equal(cents in 0..=Money::MAX.cents, shift in 0_usize..30) {
            let zeros = "0".repeat(shift);
            for text in [
                format!("{cents}{zeros}e-{}", shift + 2),
                format!("{cents}.{zeros}0E-2"),
                format!("0.{zeros}{cents:012}e{}", shift + 10),
            ] {
                prop_assert_eq!(Money::parse(&text).map(Money::cents), Ok(cents), "{}", text);
            }
        }

        #[test]
        fn no_text_causes_a_panic(text in "\\PC*") {
            let _ = Money::parse(&text);
        }

        #[test]
        fn no_number_causes_a_panic(text in "-?[0-9]{0,30}(\\.[0-9]{0,30})?([eE][+-]?[0-9]{0,25})?") {
            let _ = Money::parse(&text);
        }
    }
}
