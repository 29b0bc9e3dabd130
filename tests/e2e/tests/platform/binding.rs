//! The binding without mio, tokio and the service: `tests/e2e/guest/src/selfcheck.rs` in WasmEdge, on loopback.

use std::time::Duration;

use e2e::Guest;

/// All checks; a missing or an unknown check is a failure, too.
const CHECKS: &[&str] = &[
    "a_vectored_read_fills_buffer_after_buffer",
    "a_vectored_write_takes_a_thousand_buffers_in_one_call",
    "a_write_to_a_full_socket_is_partial_and_loses_nothing",
    "connect_tries_the_addresses_until_one_accepts",
    "connect_returns_the_error_if_no_address_accepts",
    "a_bare_socket_connects_and_becomes_a_stream",
    "incoming_yields_one_connection_after_another",
    "shutting_down_one_side_leaves_the_other_open",
    "a_read_of_a_reset_connection_fails",
    "a_datagram_has_the_address_of_its_sender",
    "many_buffers_are_one_datagram",
    "an_empty_datagram_is_received",
    "a_long_datagram_is_truncated_and_the_next_is_complete",
    "a_datagram_makes_its_socket_readable",
    "a_read_ends_at_its_timeout",
    "a_write_ends_at_its_timeout",
    "timeouts_are_returned_as_they_were_set",
    "a_non_blocking_socket_does_not_block",
    "switches_are_returned_as_they_were_set",
    "buffer_sizes_are_in_bytes",
    "a_socket_knows_its_type",
    "a_socket_is_bound_to_no_device",
    "a_wait_for_a_time_ends_at_that_time",
    "a_wait_for_a_time_in_the_past_ends_at_once",
    "a_wait_for_a_silent_descriptor_ends_at_its_timeout",
    "writability_is_reported_by_every_wait",
    "both_directions_are_reported_in_one_wait",
    "the_end_of_a_stream_is_readable",
    "a_listener_with_a_connection_is_readable",
    "a_non_blocking_connect_is_writable_when_it_is_done",
    "a_non_blocking_connect_that_is_refused_has_an_error",
    "a_closed_descriptor_fails_alone",
    "of_forty_connections_the_one_with_input_is_reported",
    "a_reused_descriptor_starts_with_no_state",
];

#[test]
fn the_self_check_of_the_binding_passes_in_wasmedge() {
    let guest = Guest::selfcheck();
    let status = guest.process().wait(Duration::from_secs(60));
    let log = guest.process().log();
    assert!(status.is_ok(), "no end within a minute: {log}");
    let expected: Vec<String> = CHECKS.iter().map(|name| format!("passed {name}")).collect();
    let wrong: Vec<&str> = log.lines().filter(|line| !expected.iter().any(|name| name == line)).collect();
    assert!(wrong.is_empty(), "{} of {}: {}", wrong.len(), CHECKS.len(), wrong.join("; "));
    assert_eq!(log.lines().collect::<Vec<_>>(), expected);
}
