//! The fields of an order's JSON object, before their values are validated.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{FieldError, Money};

/// The fields' names, in the order of the output.
pub(super) const NAMES: [&str; 7] =
    ["order_id", "product_id", "quantity", "amount", "shipping", "tax", "shipping_address"];

/// The most errors in a response: enough to correct an order at once, and a bound on the response.
pub(super) const MAX_FIELD_ERRORS: usize = 20;

/// The object's fields as JSON text, and the errors so far.
///
/// Decoding continues after an error, so a client learns all of them at once.
#[derive(Default)]
pub(super) struct Fields<'a> {
    values: [Option<&'a RawValue>; NAMES.len()],
    errors: Vec<FieldError>,
}

impl<'a> Fields<'a> {
    /// The field's parsed value. A missing or wrong field adds an error and returns None.
    pub(super) fn required<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&RawValue) -> Result<T, &'static str>,
    ) -> Option<T> {
        match self.text(name) {
            Some(json) => self.parsed(name, json, parse),
            None => {
                self.add_error(name, "is missing");
                None
            }
        }
    }

    /// Like [`Fields::required`], but the field may be missing.
    pub(super) fn optional<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&RawValue) -> Result<T, &'static str>,
    ) -> Option<T> {
        let json = self.text(name)?;
        self.parsed(name, json, parse)
    }

    /// A required field with an amount of money.
    pub(super) fn money(&mut self, name: &'static str) -> Option<Money> {
        self.required(name, |json| Money::parse(json.get()))
    }

    /// All errors.
    pub(super) fn into_errors(self) -> Vec<FieldError> {
        self.errors
    }

    /// True if anything is wrong so far.
    pub(super) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    fn text(&self, name: &str) -> Option<&'a RawValue> {
        let index = NAMES.iter().position(|known| *known == name)?;
        *self.values.get(index)?
    }

    fn parsed<T>(
        &mut self,
        name: &str,
        json: &RawValue,
        parse: impl FnOnce(&RawValue) -> Result<T, &'static str>,
    ) -> Option<T> {
        parse(json).map_err(|detail| self.add_error(name, detail)).ok()
    }

    fn add_error(&mut self, field: &str, detail: &str) {
        if self.errors.len() < MAX_FIELD_ERRORS {
            self.errors.push(FieldError::new(field, detail));
        }
    }

    fn insert(&mut self, name: Name, json: &'a RawValue) {
        match name {
            Name::Known(index) => match self.values.get_mut(index) {
                Some(value @ None) => *value = Some(json),
                _ => self.add_error(NAMES.get(index).copied().unwrap_or_default(), "is repeated"),
            },
            Name::Unknown(name) => self.add_error(&name, "is not a field of an order"),
        }
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;

        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with an order")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Fields::default();
                while let Some((name, json)) = map.next_entry()? {
                    fields.insert(name, json);
                }
                Ok(fields)
            }
        }

        deserializer.deserialize_map(FieldsVisitor)
    }
}

/// A field's name: its index in [`NAMES`], or an unknown name, cut to a length that can be shown.
enum Name {
    Known(usize),
    Unknown(String),
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;

        impl Visitor<'_> for NameVisitor {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field's name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                Ok(match NAMES.iter().position(|known| *known == name) {
                    Some(index) => Name::Known(index),
                    None => Name::Unknown(name.chars().take(64).collect()),
                })
            }
        }

        deserializer.deserialize_str(NameVisitor)
    }
}
