//! Slow, silent, disconnecting and excess clients: each has a bounded cost, and the others are served.

mod admission;
mod connections;
mod database_queue;
mod descriptors;
mod held_bytes;
mod operator;
mod rates;
mod resets;
mod slow_clients;
mod slow_readers;
