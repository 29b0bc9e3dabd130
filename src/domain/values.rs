//! An order's ids, quantity and address.

use std::fmt;

use serde_json::value::RawValue;

use super::decimal::Decimal;

/// What a whole number must be, for clients.
pub const WHOLE_NUMBER: &str = "must be a whole number from 1 to 4294967295";

/// Parses a whole number from 1 to `u32::MAX`. To JSON Schema `1`, `1.0` and `1e0` are one integer (2020-12 validation
/// §6.1.1, core §4.2.2), and some languages write all their numbers with decimals.
fn whole_number(json: &RawValue) -> Result<u32, &'static str> {
    let text = json.get();
    let exact = || Decimal::parse(text)?.scaled(0).ok()?.try_into().ok();
    match text.parse().ok().or_else(exact) {
        Some(number @ 1..) => Ok(number),
        _ => Err(WHOLE_NUMBER),
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

            /// The JSON Schema of its values.
            #[must_use]
            pub fn schema() -> String {
                format!(r#"{{"type":"integer","minimum":1,"maximum":{}}}"#, u32::MAX)
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

/// The characters of [`char::is_control`], as a class of a regular expression in JSON, where backslashes are doubled.
const CONTROL: &str = r"\\u0000-\\u001f\\u007f-\\u009f";

/// Those of [`char::is_whitespace`] that are not among them.
const BLANK: &str = r"\\u0020\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";

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

    /// The JSON Schema of its values.
    #[must_use]
    pub fn schema() -> String {
        let pattern = format!("^[^{CONTROL}]*[^{CONTROL}{BLANK}][^{CONTROL}]*$");
        format!(r#"{{"type":"string","minLength":1,"maxLength":{},"pattern":"{pattern}"}}"#, Self::MAX_CHARACTERS)
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
    fn a_whole_number_is_exact_in_any_notation_and_starts_at_one() {
        for json in ["1", "1.0", "1e0", "10e-1", "0.1E1"] {
            assert_eq!(Quantity::from_json(&raw(json)).unwrap().get(), 1, "{json}");
        }
        for json in ["4294967295", "4294967295.000", "4.294967295e9"] {
            assert_eq!(OrderId::from_json(&raw(json)).unwrap().get(), u32::MAX, "{json}");
        }
        for json in [
            "0",
            "0.0",
            "-1",
            "1.5",
            "1e-1",
            "4294967296",
            "1e400",
            "4294967295.1",
            "\"1\"",
            "null",
            "true",
            "[]",
            "{}",
        ] {
            assert!(ProductId::from_json(&raw(json)).is_err(), "{json}");
        }
    }

    /// The characters of a class such as `\\u0000-\\u001f\\u0020`, as it stands in JSON.
    fn class(text: &str) -> Vec<char> {
        let mut codes = Vec::new();
        for part in text.split(r"\\u").skip(1) {
            let (digits, is_start) = part.strip_suffix('-').map_or((part, false), |digits| (digits, true));
            codes.push((u32::from_str_radix(digits, 16).unwrap(), is_start));
        }
        let mut characters = Vec::new();
        let mut codes = codes.into_iter();
        while let Some((first, is_start)) = codes.next() {
            let last = if is_start { codes.next().unwrap().0 } else { first };
            characters.extend((first..=last).filter_map(char::from_u32));
        }
        characters
    }

    #[test]
    fn the_pattern_has_the_characters_that_an_address_may_not_have() {
        let (control, blank) = (class(CONTROL), class(BLANK));
        for character in '\0'..=char::MAX {
            assert_eq!(control.contains(&character), character.is_control(), "{character:?}");
            let is_blank = character.is_whitespace() && !character.is_control();
            assert_eq!(blank.contains(&character), is_blank, "{character:?}");
        }
        assert!(Address::schema().contains(&format!("^[^{CONTROL}]*[^{CONTROL}{BLANK}][^{CONTROL}]*$")));
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
