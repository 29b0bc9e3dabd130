//! Tests that compile services, or run them in WasmEdge's interpreter.

mod hello;
mod own_service;
mod skeleton;
mod source_copy;
mod two_services;
