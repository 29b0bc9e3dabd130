//! What is reserved, given back and cut off.

use std::task::Waker;

use super::*;

const LARGE: usize = 1024 * 1024;

fn long_ago() -> Instant {
    Instant::now().checked_sub(STALL_TIME * 2).unwrap_or_else(Instant::now)
}

#[test]
fn large_reservations_leave_the_part_for_small_ones() {
    let budget = MemoryBudget::new(LARGE);
    let (first, second) = (budget.register(), budget.register());
    let mut large = Reservation::new(&first.holder);
    assert!(large.try_grow_to(LARGE));
    let mut small = Reservation::new(&second.holder);
    assert!(small.try_grow_to(MAX_SMALL_BYTES));
    assert!(!small.try_grow_to(MAX_SMALL_BYTES + 1), "no longer small");
    large.shrink_to(LARGE / 2);
    assert!(small.try_grow_to(LARGE / 2));
}

#[test]
fn a_body_that_grows_large_leaves_the_part_for_small_ones() {
    let budget = MemoryBudget::new(LARGE);
    let client = budget.register();
    let mut body = Reservation::new(&client.holder);
    for kib in [16, 48, 64, 80, 200] {
        assert!(body.try_grow_to(kib * 1024));
    }
    let free = *lock(&budget.0.free);
    assert_eq!((free.small, free.large), (SMALL_PART_BYTES, LARGE - 200 * 1024));
    drop(body);
    let free = *lock(&budget.0.free);
    assert_eq!((free.small, free.large), (SMALL_PART_BYTES, LARGE));
}

#[test]
fn all_bytes_come_back() {
    let budget = MemoryBudget::new(LARGE);
    let client = budget.register();
    for _ in 0..3 {
        let mut one = Reservation::new(&client.holder);
        assert!(one.try_grow_to(100) && one.try_grow_to(LARGE));
    }
    let free = *lock(&budget.0.free);
    assert_eq!((free.small, free.large), (SMALL_PART_BYTES, LARGE));
    drop(client);
    assert!(lock(&budget.0.holders).is_empty());
}

#[test]
fn the_largest_stalled_holder_is_cut_off_and_no_other() {
    let budget = MemoryBudget::new(LARGE);
    let clients = [budget.register(), budget.register(), budget.register()];
    let mut held: Vec<_> = clients.iter().map(|client| Reservation::new(&client.holder)).collect();
    for (reservation, kib) in held.iter_mut().zip([100, 300, 500]) {
        assert!(reservation.try_grow_to(kib * 1024));
    }
    for client in &clients[..2] {
        client.holder.wait_for_client(long_ago(), false, Waker::noop());
    }
    clients[2].holder.wait_for_client(Instant::now(), false, Waker::noop());
    let asking = budget.register();
    assert!(!Reservation::new(&asking.holder).try_grow_to(300 * 1024));
    let cut_off: Vec<bool> = clients.iter().map(|client| client.holder.is_cut_off()).collect();
    assert_eq!(cut_off, [false, true, false]);
}

#[test]
fn an_idle_connection_is_not_stalled_during_a_request() {
    let budget = MemoryBudget::new(LARGE);
    let client = budget.register();
    client.holder.wait_for_client(long_ago(), true, Waker::noop());
    assert!(!budget.cut_off_longest_stalled());
    *lock(&budget.0.empty_searches) = Default::default();
    client.holder.wait_for_client(long_ago(), false, Waker::noop());
    assert!(budget.cut_off_longest_stalled());
    assert!(!budget.cut_off_longest_stalled(), "it is cut off already");
}

/// A client whose request of `bytes` has waited for it for two seconds in all. It has never lagged behind the rate.
fn slow_sender(budget: &MemoryBudget, bytes: usize) -> (HolderGuard, Reservation) {
    let client = budget.register();
    let mut body = Reservation::new(&client.holder);
    assert!(body.try_grow_to(bytes));
    client.holder.wait_for_client(Instant::now(), false, Waker::noop());
    client.holder.set_waited(STALL_TIME * 2);
    (client, body)
}

#[test]
fn a_slow_sender_is_cut_off_for_a_small_request_only() {
    let budget = MemoryBudget::new(0);
    let senders: Vec<_> =
        (0..SMALL_PART_BYTES / MAX_SMALL_BYTES).map(|_| slow_sender(&budget, MAX_SMALL_BYTES)).collect();
    let count_cut_off = || senders.iter().filter(|(sender, _)| sender.holder.is_cut_off()).count();
    let asking = budget.register();
    assert!(!Reservation::new(&asking.holder).try_grow_to(LARGE));
    assert_eq!(count_cut_off(), 0);
    assert!(!Reservation::new(&asking.holder).try_grow_to(1));
    assert_eq!(count_cut_off(), 1);
}

#[test]
fn the_next_request_of_a_slow_sender_begins_anew() {
    let budget = MemoryBudget::new(LARGE);
    let (sender, _body) = slow_sender(&budget, 1);
    let is_slow = || sender.holder.slow_client(Instant::now()).is_some();
    assert!(is_slow());
    sender.holder.note_progress(|| Duration::ZERO);
    sender.holder.end_request();
    sender.holder.wait_for_client(Instant::now(), false, Waker::noop());
    assert!(!is_slow());
}

#[test]
fn a_fast_client_is_not_slow_however_long_it_sends() {
    let budget = MemoryBudget::new(LARGE);
    let (sender, _body) = slow_sender(&budget, 1);
    sender.holder.note_progress(|| STALL_TIME * 2);
    sender.holder.wait_for_client(Instant::now(), false, Waker::noop());
    assert!(sender.holder.slow_client(Instant::now()).is_none());
}

#[test]
fn a_slow_sender_is_not_cut_off_for_a_new_connection() {
    let budget = MemoryBudget::new(LARGE);
    let (sender, _body) = slow_sender(&budget, 1);
    assert!(!budget.cut_off_longest_stalled());
    assert!(!sender.holder.is_cut_off());
}

#[test]
fn a_search_without_a_result_is_not_repeated_at_once() {
    let budget = MemoryBudget::new(LARGE);
    assert!(!budget.cut_off_longest_stalled());
    let client = budget.register();
    client.holder.wait_for_client(long_ago(), false, Waker::noop());
    assert!(!budget.cut_off_longest_stalled(), "within the pause");
    *lock(&budget.0.empty_searches) = [Some(long_ago()); 3];
    assert!(budget.cut_off_longest_stalled());
}
