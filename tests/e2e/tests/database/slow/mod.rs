//! Faults that take seconds: a database that is cut off, silent, slow or restarted.

mod cut;
mod latency;
mod restart;
mod silent;
