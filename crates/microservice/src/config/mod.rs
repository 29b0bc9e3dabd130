//! The configuration: environment variables, read once at the start. Nothing else reads the environment.
//!
//! Each variable is a typed constant, a [`Variable`], and stands in one table. Parsing, the messages for wrong values,
//! `--help` and `--variables` come from it. A test compares README's table with it.
//!
//! With an invalid value the service does not start. One line has the variable's name, the problem and an example.
//! Secrets are never printed.

mod environment;
mod help;
pub mod types;
mod variable;

pub use environment::{ConfigError, Environment};
pub use help::{help, markdown_row, variables_as_json};
pub use types::Type;
pub use variable::{AnyVariable, Description, Variable};
