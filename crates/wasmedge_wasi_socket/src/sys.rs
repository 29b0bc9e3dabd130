//! The boundary to the runtime: its functions, its types, its clock.
//!
//! `unsafe` is allowed here. Each function that the other layers call is safe.
#![allow(unsafe_code, reason = "the host functions take raw pointers, and a subscription holds a union")]

pub mod errno;

#[cfg(any(target_os = "wasi", test))]
mod address;
#[cfg(any(target_os = "wasi", test))]
pub(crate) mod local;
#[cfg(any(target_os = "wasi", test))]
pub(crate) mod poll_types;

#[cfg(target_os = "wasi")]
mod abi;
#[cfg(target_os = "wasi")]
pub(crate) mod calls;
#[cfg(target_os = "wasi")]
pub(crate) mod clock;
#[cfg(target_os = "wasi")]
mod descriptor;
#[cfg(target_os = "wasi")]
pub(crate) mod getaddrinfo;
#[cfg(target_os = "wasi")]
pub(crate) mod options;
#[cfg(target_os = "wasi")]
pub(crate) mod transfer;

#[cfg(target_os = "wasi")]
pub(crate) use descriptor::Descriptor;
