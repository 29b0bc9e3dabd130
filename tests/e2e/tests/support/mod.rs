//! What every test stands on: a service of its own ([`TestApp`]), a client ([`Client`]), a socket for the requests that no
//! client would send ([`Raw`]), other programs in WasmEdge ([`Guest`]), and orders to send.

mod app;
mod guest;
mod http;
mod orders;
mod problem;
mod raw;
mod wait;

pub(crate) use app::{Setup, TestApp};
pub(crate) use guest::Guest;
pub(crate) use http::{Client, Reply};
pub(crate) use orders::{Order, order, orders, with};
pub(crate) use problem::Problem;
pub(crate) use raw::{Raw, RawReply};
pub(crate) use wait::{eventually, eventually_within};
