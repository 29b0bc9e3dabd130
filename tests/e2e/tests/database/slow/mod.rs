//! Faults that take seconds: a database that is cut off, silent, slow, restarted, garbled or hostile; a replica that
//! vanishes.

mod cut;
mod garbled;
mod hostile_settings;
mod latency;
mod migrations;
mod restart;
mod silent;
mod vanished;
