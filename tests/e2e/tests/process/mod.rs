//! The process itself: what it is told at its start, what it writes, and what its end may cost.

mod configuration;
mod end;
mod logs;
