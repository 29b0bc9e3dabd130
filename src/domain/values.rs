//! An order's ids, quantity and address.

use std::fmt;

use serde_json::value::RawValue;

/// Parses a whole number from 1 to `u32::MAX`, without fraction, exponent or quotes.
fn whole_number(json: &RawValue) -> Result<u32, &'static str> {
    match json.get().parse() {
        Ok(number @ 1..) => Ok(number),
        _ => Err("must be a whole number from 1 to 4294967295"),
    }
}

/// Defines a type for whole numbers from 1 up. Separate types keep ids and quantities from being confused.
macro_rules! whole_number_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl $name {
            /// The value, unless it is 0.
            #[must_use]
            pub fn new(value: u32) -> Option<Self> {
                (value > 0).then_some(Self(value))
            }

            /// The value as a number.
            #[must_use]
            pub fn get(self) -> u32 {
                self.0
            }

            pub(super) fn from_json(json: &RawValue) -> Result<Self, &'static str> {
                whole_number(json).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

whole_number_type! {
    /// An order's unique id, from 1 up. (0 makes MySQL's `AUTO_INCREMENT` choose the next id.)
    OrderId
}
whole_number_type! {
    /// A product's id.
    ProductId
}
whole_number_type! {
    /// The number of items, at least one.
    Quantity
}

/// A shipping address: 1 to 255 characters (Unicode scalar values), not only blanks, no control characters. It is not
/// trimmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    /// The most characters. The column is a `VARCHAR(255)`, which counts characters too.
    pub const MAX_CHARACTERS: usize = 255;

    /// An address with this text.
    ///
    /// # Errors
    /// The text is not a valid address; a message for the client.
    pub fn new(text: String) -> Result<Self, &'static str> {
        if text.trim().is_empty() {
            return Err("must not be empty or blank");
        }
        if text.chars().count() > Self::MAX_CHARACTERS {
            return Err("must have at most 255 characters");
        }
        if text.chars().any(char::is_control) {
            return Err("must not contain control characters");
        }
        Ok(Self(text))
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn from_json(json: &RawValue) -> Result<Self, &'static str> {
        let text = serde_json::from_str(json.get()).map_err(|_| "must be a string")?;
        Self::new(text)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_whole_number_has_one_notation_and_starts_at_one() {
        assert_eq!(Quantity::from_json(&raw("1")).unwrap().get(), 1);
        assert_eq!(OrderId::from_json(&raw("4294967295")).unwrap().get(), u32::MAX);
        for json in ["0", "-1", "4294967296", "1.0", "1e2", "\"1\"", "null", "true", "[]", "{}"] {
            assert!(ProductId::from_json(&raw(json)).is_err(), "{json}");
        }
    }

    #[test]
    fn an_address_is_measured_in_characters_and_not_trimmed() {
        let longest = "ü".repeat(255);
        assert_eq!(Address::new(longest.clone()).unwrap().as_str(), longest);
        assert_eq!(Address::from_json(&raw(r#"" 1 Quay\u00e9 ""#)).unwrap().as_str(), " 1 Quayé ");
        for json in [r#""""#, r#""   ""#, r#""a\u0000b""#, r#""a\nb""#, "12", "null", r#""\ud800""#] {
            assert!(Address::from_json(&raw(json)).is_err(), "{json}");
        }
        assert!(Address::new("a".repeat(256)).is_err());
    }
}
