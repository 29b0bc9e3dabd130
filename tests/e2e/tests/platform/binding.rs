//! The binding without mio, tokio and the service: `tests/e2e/guest/src/selfcheck.rs` in WasmEdge, on loopback.

use std::time::Duration;

use e2e::Guest;

/// All checks; a missing or an unknown check is a failure, too.
const CHECKS: &[&str] = &[
    "a_vectored_read_fills_buffer_after_buffer",
    "a_vectored_write_takes_a_thousand_buffers_in_one_call",
    "a_write_to_a_full_socket_is_partial_and_loses_nothing",
    "connect_goes_on_to_the_address_that_answers",
    "connect_gives_the_error_when_no_address_answers",
    "a_bare_socket_connects_and_becomes_a_stream",
    "incoming_gives_connection_after_connection",
    "an_end_of_one_side_leaves_the_other_open",
    "a_read_of_a_reset_connection_says_so",
    "a_datagram_comes_with_the_address_to_answer_to",
    "many_buffers_are_one_datagram",
    "an_empty_datagram_is_one",
    "a_datagram_that_is_too_long_is_cut_and_the_next_is_whole",
    "a_datagram_makes_its_socket_readable",
    "a_read_ends_at_its_timeout",
    "a_write_ends_at_its_timeout",
    "timeouts_are_given_back_as_they_were_set",
    "a_non_blocking_socket_says_so_and_does_not_wait",
    "switches_are_given_back_as_they_were_set",
    "buffer_sizes_are_in_bytes",
    "a_socket_knows_what_it_is",
    "a_socket_is_bound_to_no_device",
    "a_wait_for_a_moment_ends_then",
    "a_wait_for_a_moment_that_has_passed_ends_at_once",
    "a_silent_descriptor_is_waited_for_until_the_moment",
    "room_to_write_is_reported_each_time",
    "both_directions_are_reported_in_one_wait",
    "an_end_of_the_stream_is_something_to_read",
    "a_listener_is_readable_when_somebody_has_come",
    "a_non_blocking_connect_is_writable_when_it_is_done",
    "a_non_blocking_connect_that_is_refused_has_an_error",
    "a_closed_descriptor_fails_alone",
    "of_forty_connections_the_one_that_speaks_is_heard",
    "a_number_that_is_used_again_starts_anew",
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
