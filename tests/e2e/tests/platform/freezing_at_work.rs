//! Freezes during statements and timeouts, and by a tracer that attaches.
//!
//! With the published crate the process ends within some ten freezes, as in [`super::freezing`].

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use testkit::{Process, TempDir};

use super::freezing::{freeze, work};
use e2e::{
    DatabaseLock, Order, RawConnection, TestApp, observe_for, orders, wait_for, wait_for_within, wait_until, with,
};

#[test]
fn after_200_freezes_each_pending_statement_gets_its_own_response_once() {
    let app = TestApp::spawn_with(&[("STATEMENT_TIMEOUT", "60s"), ("REQUEST_TIMEOUT", "60s")]);
    app.post("/create_orders", orders(1..=4)).expect_done();
    let mut waiting: Vec<RawConnection> = (0..4).map(|_| app.connect()).collect();
    let lock = DatabaseLock::rows(&app, "order_id > 0");
    {
        for (id, connection) in (1..).zip(&mut waiting) {
            let body = with(id, "quantity", Some(&(100 + id).to_string()));
            let head = format!("PUT /orders/{id} HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n");
            connection.send(format!("{head}content-length: {}\r\n\r\n{body}", body.len()));
        }
        wait_until("the statements to wait", || app.count_statements("UPDATE orders") == 4);
        freeze(&app, 200);
        assert_eq!(app.count_statements("UPDATE orders"), 4, "the freezes met no waiting statement");
        assert!(waiting.iter_mut().all(|connection| !connection.is_closed()), "a connection was closed");
        lock.release();
    }
    for (id, connection) in (1..).zip(&mut waiting) {
        let response = connection.expect_response();
        assert_eq!(response.status, 200, "{}", response.text());
        let body: serde_json::Value = serde_json::from_slice(&response.body).expect("an order");
        assert_eq!((&body["order_id"], &body["quantity"]), (&id.into(), &(100 + id).into()), "another's response");
        // A repeated response would come here.
        connection.send("GET /health HTTP/1.1\r\nhost: test\r\n\r\n");
        assert!(!connection.expect_response().text().contains("order_id"), "the response came twice");
    }
    let stored = Order::read_all(&app.get("/orders").expect(200).text());
    assert_eq!(stored.len(), 4);
}

/// A connection in the middle of a body, with its start and its end.
struct Slow {
    connection: RawConnection,
    began: Instant,
    closed: Option<Duration>,
}

#[test]
fn after_200_freezes_each_pending_timeout_fires_once_and_not_early() {
    const DEADLINE: Duration = Duration::from_secs(6);
    let app = TestApp::spawn_with(&[("BODY_TIMEOUT", "6s")]);
    let start = |_| {
        let (mut connection, began) = (app.connect(), Instant::now());
        connection.send("POST /create_order HTTP/1.1\r\nhost: test\r\ncontent-length: 100\r\n\r\n{");
        // Spreads the deadlines over more than half a second of freezes.
        thread::sleep(Duration::from_millis(3));
        Slow { connection, began, closed: None }
    };
    let mut all: Vec<Slow> = (0..200).map(start).collect();
    thread::scope(|scope| {
        let freezes = scope.spawn(|| freeze(&app, 200));
        wait_for_within(Duration::from_secs(30), "all deadlines to fire", || {
            for slow in all.iter_mut().filter(|slow| slow.closed.is_none()) {
                if slow.connection.is_closed() {
                    slow.closed = Some(slow.began.elapsed());
                }
            }
            (all.iter().all(|slow| slow.closed.is_some()) && freezes.is_finished()).then_some(())
        });
    });
    for slow in &mut all {
        let took = slow.closed.expect("it was closed");
        assert!(took >= DEADLINE && took < DEADLINE * 3 / 2, "a deadline of {DEADLINE:?} fired after {took:?}");
        let said = String::from_utf8_lossy(&slow.connection.read_until_closed()).into_owned();
        assert_eq!(said.matches("HTTP/1.1 408").count(), 1, "not one response: {said}");
    }
    app.get("/orders").expect(200);
}

/// Traces all threads for a tenth of a second. Returns the number of system calls.
fn trace(app: &TestApp, dir: &TempDir, round: u32) -> usize {
    let (seen, log) = (dir.path().join(format!("seen{round}")), dir.path().join(format!("log{round}")));
    let mut command = Command::new("strace");
    command.args(["-f", "-p", &app.service().pid().to_string(), "-o"]).arg(&seen);
    let tracer = Process::start(&command, &log).expect("strace starts");
    wait_for("the tracer to attach", || {
        assert!(tracer.is_running(), "strace has ended: {}", tracer.log());
        tracer.log().contains("attached").then_some(())
    });
    observe_for(Duration::from_millis(100), "the traced service runs", || app.service().is_running());
    tracer.terminate(Duration::from_secs(10)).expect("it detaches and ends");
    std::fs::read_to_string(&seen).expect("what it saw").lines().count()
}

#[test]
fn a_tracer_that_attaches_twenty_times_under_load_loses_nothing() {
    let app = TestApp::spawn();
    let (dir, stop) = (TempDir::new().expect("a directory"), AtomicBool::new(false));
    let acknowledged: u32 = thread::scope(|scope| {
        let start = |number: u32| {
            let (client, stop) = (app.new_client(), &stop);
            scope.spawn(move || work(&client, 1 + number * 1_000_000, stop))
        };
        let workers: Vec<_> = (0..4).map(start).collect();
        for round in 0..20 {
            assert!(trace(&app, &dir, round) > 0, "the tracer saw nothing");
            assert!(app.service().is_running(), "ended at {round}: {}", app.service().log());
        }
        stop.store(true, Ordering::Relaxed);
        workers.into_iter().map(|worker| worker.join().expect("a worker")).sum()
    });
    assert!(acknowledged > 20, "only {acknowledged} orders were written: the tracer met no work");
    assert_eq!(app.count_orders(), acknowledged as usize);
}
