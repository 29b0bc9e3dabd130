//! What the tests share: a service with a database ([`TestApp`]), an ordinary client ([`Client`]), a connection for raw
//! bytes ([`RawConnection`]), other programs in WasmEdge ([`Guest`]), and orders to send.

mod app;
mod guest;
mod http;
mod orders;
mod problem;
mod wait;

pub(crate) use app::{Setup, TestApp};
pub(crate) use guest::Guest;
pub(crate) use http::{Client, RawConnection, RawResponse, Response};
pub(crate) use orders::{Order, order, orders, with};
pub(crate) use problem::Problem;
pub(crate) use wait::{TIMEOUT, observe_for, wait_for, wait_for_within, wait_until};
