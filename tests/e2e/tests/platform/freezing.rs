//! SIGSTOP and SIGCONT, like `docker pause`, a laptop's lid or a debugger.
//!
//! With the published crate the process ends within some ten freezes: tokio_wasi panics with "unexpected error when
//! polling the I/O driver".

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use e2e::{Client, Order, TestApp, observe_for, order};

/// Freezes and resumes the service `times` times, at different points of its work.
pub(super) fn freeze(app: &TestApp, times: u64) {
    for round in 0..times {
        thread::sleep(Duration::from_micros(500 + round * 7_919 % 12_000));
        app.service().pause();
        thread::sleep(Duration::from_micros(200 + round * 104_729 % 8_000));
        app.service().resume();
        assert!(app.service().is_running(), "ended at freeze {round}: {}", app.service().log());
    }
}

/// Creates and reads orders until `stop` is set. Returns the number of acknowledged orders.
pub(super) fn work(client: &Client, first: u32, stop: &AtomicBool) -> u32 {
    let mut id = first;
    while !stop.load(Ordering::Relaxed) {
        client.post("/create_order", order(id)).expect_done();
        let found = client.get(&format!("/orders/{id}")).expect(200).json();
        assert_eq!(found["order_id"], id, "another request's response");
        id += 1;
    }
    id - first
}

#[test]
fn two_hundred_freezes_under_load_lose_no_response_and_repeat_no_order() {
    let app = TestApp::spawn();
    let stop = AtomicBool::new(false);
    let acknowledged: u32 = thread::scope(|scope| {
        let workers: Vec<_> = (0..6)
            .map(|number| {
                let (client, stop) = (app.new_client(), &stop);
                scope.spawn(move || work(&client, 1 + number * 1_000_000, stop))
            })
            .collect();
        freeze(&app, 200);
        stop.store(true, Ordering::Relaxed);
        workers.into_iter().map(|worker| worker.join().expect("a worker")).sum()
    });
    assert!(acknowledged > 100, "only {acknowledged} orders were written: the freezes met no work");
    let stored = Order::read_all(&app.get("/orders").expect(200).text());
    assert_eq!(stored.len(), acknowledged as usize);
}

#[test]
fn after_200_freezes_an_idle_service_serves_on_the_same_connection() {
    let app = TestApp::spawn();
    let mut kept = app.connect();
    kept.send("GET /health HTTP/1.1\r\nhost: test\r\n\r\n").response().expect("a response before");
    freeze(&app, 200);
    let response = kept
        .send("GET /health HTTP/1.1\r\nhost: test\r\n\r\n")
        .response()
        .expect("a response after, on the same connection");
    assert_eq!(response.status, 200);
    app.get("/orders").expect(200);
}

#[test]
fn a_timer_that_expires_during_a_freeze_fires_after_it() {
    let app = TestApp::spawn_with(&[("HEADER_TIMEOUT", "1s")]);
    let mut slow = app.connect();
    assert_eq!(slow.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n").expect_response().status, 200);
    slow.send("GET /hea");
    // After this response the service has read the part of a head, too.
    app.get("/health").expect(200);
    app.service().pause();
    observe_for(Duration::from_millis(1_500), "a frozen service closes nothing", || !slow.is_closed());
    app.service().resume();
    let thawed = Instant::now();
    // Either 408 or the end of the connection; this test checks only when it comes.
    let _ = slow.response();
    assert!(thawed.elapsed() < Duration::from_secs(3), "the deadline came {:?} after the thaw", thawed.elapsed());
    app.get("/health").expect(200);
}
