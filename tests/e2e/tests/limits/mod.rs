//! Slow, silent, vanishing and too many clients: each costs a bounded amount for a bounded time, and the others are served.

mod connections;
mod resets;
mod slow_clients;
mod slow_readers;
