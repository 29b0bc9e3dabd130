//! Who joins the queue, and in which order its members are served.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;

const MAX: Duration = Duration::from_millis(500);
const SECOND: Duration = Duration::from_secs(1);

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn state(mean_use: Duration, waiters: u64, oldest: Instant) -> State {
    State { mean_use, waiters: (0..waiters).map(|number| (number, oldest)).collect(), next_waiter: waiters }
}

#[tokio::test]
async fn waiters_are_served_in_order_and_leave_the_queue() {
    let queue = Queue::new(1);
    let first = queue.wait(SECOND).await;
    let (mut second, mut third) = (pin!(queue.wait(SECOND)), pin!(queue.wait(SECOND)));
    assert!(poll(second.as_mut()).is_pending() && poll(third.as_mut()).is_pending());
    assert_eq!(lock(&queue.state).waiters.len(), 2);
    drop(first);
    assert!(poll(third.as_mut()).is_pending(), "the last came first");
    let permit = poll(second.as_mut());
    assert!(matches!(permit, Poll::Ready(Some(_))), "the permit is free");
    drop(permit);
    assert!(matches!(poll(third.as_mut()), Poll::Ready(Some(_))), "the permit is free again");
    assert!(lock(&queue.state).waiters.is_empty());
}

#[tokio::test]
async fn a_waiter_that_gives_up_leaves_the_queue() {
    let queue = Queue::new(1);
    let _permit = queue.wait(SECOND).await;
    assert!(queue.wait(Duration::from_millis(1)).await.is_none());
    assert!(lock(&queue.state).waiters.is_empty());
    assert_eq!(queue.admit(MAX), Ok(()));
}

#[tokio::test]
async fn a_free_connection_is_given_however_slow_the_work_was() {
    let queue = Queue::new(2);
    let _permit = queue.wait(SECOND).await;
    lock(&queue.state).mean_use = 100 * SECOND;
    assert_eq!(queue.admit(MAX), Ok(()));
}

#[tokio::test]
async fn while_the_oldest_waiter_has_waited_too_long_new_work_is_rejected() {
    let queue = Queue::new(1);
    let _permit = queue.wait(SECOND).await;
    let arrived = Instant::now() - SECOND;
    lock(&queue.state).waiters.push_back((7, arrived));
    assert!(queue.admit(MAX).is_err_and(|wait| wait >= SECOND));
    lock(&queue.state).waiters.clear();
    assert_eq!(queue.admit(MAX), Ok(()));
}

#[test]
fn the_work_in_the_queue_counts_once_the_oldest_waiter_has_waited_a_while() {
    let (now, long) = (Instant::now(), Duration::from_millis(200));
    let at = |oldest| state(SECOND, 8, oldest);
    assert_eq!(at(now - long).admit(MAX, 9, now), Err(SECOND), "nine seconds of work on nine connections");
    assert_eq!(at(now - long).admit(MAX, 18, now), Ok(()));
    assert_eq!(at(now).admit(MAX, 9, now), Ok(()), "the queue has just formed");
    assert_eq!(state(SECOND, 0, now).admit(MAX, 1, now), Ok(()), "the first may always wait");
    assert_eq!(state(Duration::MAX, u64::from(u16::MAX), now - long).admit(MAX, 1, now), Err(Duration::MAX));
}

#[test]
fn the_mean_follows_the_latest_work() {
    let mut state = State::default();
    state.record_use(SECOND);
    assert_eq!(state.mean_use, SECOND, "the first is all there is");
    for _ in 0..64 {
        state.record_use(Duration::from_millis(1));
    }
    assert!(state.mean_use < SECOND / 20, "{:?}", state.mean_use);
    for _ in 0..16 {
        state.record_use(SECOND);
    }
    assert!(state.mean_use > SECOND / 2, "{:?}", state.mean_use);
}
