//! The fields of an order's JSON object, found and named but not yet read.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{FieldError, Money};

/// The names, in the order in which they are written.
pub(super) const NAMES: [&str; 7] =
    ["order_id", "product_id", "quantity", "amount", "shipping", "tax", "shipping_address"];

/// How many faults are told of at once: enough to mend an order in one go, bounded for what a client may make us say.
pub(super) const MAX_FAULTS: usize = 20;

/// The object's fields, each as the JSON text it came as, and what is wrong with their names.
///
/// Reading goes on past a fault, so that a client hears of all of them at once.
#[derive(Default)]
pub(super) struct Fields<'a> {
    values: [Option<&'a RawValue>; NAMES.len()],
    faults: Vec<FieldError>,
}

impl<'a> Fields<'a> {
    /// The field's value through `parse`; notes the fault and gives None if it is missing or wrong.
    pub(super) fn required<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&RawValue) -> Result<T, &'static str>,
    ) -> Option<T> {
        match self.text(name) {
            Some(json) => self.parsed(name, json, parse),
            None => {
                self.fault(name, "is missing");
                None
            }
        }
    }

    /// Like [`Fields::required`], but a field that is not there is no fault.
    pub(super) fn optional<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&RawValue) -> Result<T, &'static str>,
    ) -> Option<T> {
        let json = self.text(name)?;
        self.parsed(name, json, parse)
    }

    /// A field that holds money.
    pub(super) fn money(&mut self, name: &'static str) -> Option<Money> {
        self.required(name, |json| Money::parse(json.get()))
    }

    /// What is wrong, in the end.
    pub(super) fn into_faults(self) -> Vec<FieldError> {
        self.faults
    }

    /// True if anything is wrong so far.
    pub(super) fn has_faults(&self) -> bool {
        !self.faults.is_empty()
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
        parse(json).map_err(|detail| self.fault(name, detail)).ok()
    }

    fn fault(&mut self, field: &str, detail: &str) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(FieldError::new(field, detail));
        }
    }

    fn insert(&mut self, name: Name, json: &'a RawValue) {
        match name {
            Name::Known(index) => match self.values.get_mut(index) {
                Some(value @ None) => *value = Some(json),
                _ => self.fault(NAMES.get(index).copied().unwrap_or_default(), "is there twice"),
            },
            Name::Unknown(name) => self.fault(&name, "is not a field of an order"),
        }
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;

        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an order, which is an object")
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

/// A field's name: its place in [`NAMES`], or what it is called instead, cut to a length that can be shown.
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
