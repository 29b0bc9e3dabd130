//! The cost of slow, silent, reset and excess clients for the service and the other clients.

mod flood;
mod idle;
mod large_batch;
mod open_loop;
mod overload;
mod resets;
mod slow_clients;
mod slow_readers;
