//! The process: its configuration, its logs and its end.

mod configuration;
mod end;
mod logs;
