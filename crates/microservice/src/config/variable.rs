//! A variable of the configuration: its name, type, default and meaning.

use super::types::Type;

/// An environment variable whose value has type `T`.
#[derive(Debug)]
pub struct Variable<T: 'static> {
    description: Description,
    parse: fn(&str) -> Result<T, String>,
}

/// What the tables and messages say of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Description {
    /// The variable's name.
    pub name: &'static str,
    /// The type's name, as in [`Type::name`].
    pub type_name: &'static str,
    /// The value that is used where the variable is not set.
    pub default: Option<&'static str>,
    /// A valid value, for messages. The default if there is one.
    pub example: &'static str,
    /// What the variable means, in Markdown.
    pub meaning: &'static str,
    /// The value must not be printed.
    pub is_secret: bool,
}

impl<T> Variable<T> {
    /// A variable with a default, which is its example too.
    #[must_use]
    pub const fn new(name: &'static str, r#type: Type<T>, default: &'static str, meaning: &'static str) -> Self {
        Self::build(name, r#type, Some(default), default, meaning)
    }

    /// A variable without a default.
    #[must_use]
    pub const fn without_default(
        name: &'static str,
        r#type: Type<T>,
        example: &'static str,
        meaning: &'static str,
    ) -> Self {
        Self::build(name, r#type, None, example, meaning)
    }

    /// The same variable with a value that must not be printed.
    #[must_use]
    pub const fn secret(self) -> Self {
        Self { description: Description { is_secret: true, ..self.description }, parse: self.parse }
    }

    const fn build(
        name: &'static str,
        r#type: Type<T>,
        default: Option<&'static str>,
        example: &'static str,
        meaning: &'static str,
    ) -> Self {
        let description = Description { name, type_name: r#type.name, default, example, meaning, is_secret: false };
        Self { description, parse: r#type.parse }
    }

    /// Parses a value. The error says what the value must be, without the value.
    pub(super) fn parse(&self, text: &str) -> Result<T, String> {
        (self.parse)(text)
    }
}

/// A variable of any type, for tables.
pub trait AnyVariable: Sync {
    /// What the tables and messages say of it.
    fn description(&self) -> Description;
}

impl<T> AnyVariable for Variable<T> {
    fn description(&self) -> Description {
        self.description
    }
}
