//! The queue for the database's connections: bounded by time, and served in order.

use std::thread;
use std::time::{Duration, Instant};

use e2e::{Client, DatabaseLock, RawConnection, Response, TestApp, order, orders, wait_until};
use testkit::Fault;

/// Longer than any wait for a connection in these tests.
const LONG: [(&str, &str); 3] = [("CONNECT_TIMEOUT", "30s"), ("STATEMENT_TIMEOUT", "30s"), ("REQUEST_TIMEOUT", "40s")];

/// With the default configuration work waits 2 s before it is rejected, in these tests 30 s. Rejected at once is much
/// less, on a busy machine too.
const MAX_SHED_TIME: Duration = Duration::from_secs(5);

/// Sends a POST without waiting for the response.
fn send_create(app: &TestApp, id: u32) -> RawConnection {
    let (mut connection, body) = (app.connect(), order(id));
    let length = body.len();
    connection.send(format!("POST /create_order HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}"));
    connection
}

/// A service with one connection for work, which waits for a lock of order 1. Requests have waited for the connection
/// for longer than the bound: their order is that of the connections.
fn with_old_queue(
    app: &TestApp,
    ids: impl IntoIterator<Item = u32>,
) -> (DatabaseLock, RawConnection, Vec<RawConnection>) {
    let lock = DatabaseLock::rows(app, "order_id = 1");
    let mut first = app.connect();
    first.send("DELETE /orders/1 HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_until("a statement at the lock", || app.count_statements("DELETE") == 1);
    let queue = ids.into_iter().map(|id| send_create(app, id)).collect();
    wait_until_shedding(app);
    (lock, first, queue)
}

/// Waits until new work is shed. A request that is not shed leaves the queue with its connection.
fn wait_until_shedding(app: &TestApp) {
    wait_until("new work to be shed", || {
        let mut probe = app.connect();
        probe.send("GET /orders/7 HTTP/1.1\r\nHost: x\r\n\r\n");
        let head = probe.read_until(b"\r\n\r\n", Duration::from_millis(100));
        head.is_some_and(|head| head.starts_with(b"HTTP/1.1 503 "))
    });
}

/// Sends requests at once. Returns the responses, each with its time.
fn send_at_once(
    app: &TestApp,
    requests: u32,
    send: impl Fn(&Client, u32) -> Response + Sync,
) -> Vec<(Duration, Response)> {
    let send = &send;
    thread::scope(|scope| {
        let all: Vec<_> = (0..requests)
            .map(|number| {
                let client = app.new_client();
                scope.spawn(move || {
                    let started = Instant::now();
                    let response = send(&client, number);
                    (started.elapsed(), response)
                })
            })
            .collect();
        all.into_iter().map(|one| one.join().expect("a request")).collect()
    })
}

#[track_caller]
fn expect_shed(took: Duration, response: &Response) {
    response.expect_problem(503, "overloaded");
    let retry_after = response.header("retry-after").and_then(|seconds| seconds.parse::<u32>().ok());
    assert!(retry_after.is_some_and(|seconds| (1..=30).contains(&seconds)), "Retry-After is {retry_after:?}");
    assert!(took < MAX_SHED_TIME, "shed after {took:?}");
}

#[test]
fn new_work_is_shed_at_once_while_the_queue_is_old_and_the_queue_is_served() {
    let app = TestApp::setup().env(&[("POOL_MAX", "2")]).env(&LONG).start();
    app.post("/create_order", order(1)).expect_done();
    let (lock, mut first, queue) = with_old_queue(&app, 10..15);
    for (took, response) in send_at_once(&app, 20, |client, number| client.post("/create_order", order(100 + number))) {
        expect_shed(took, &response);
    }
    app.get("/ready").expect(200);
    assert_eq!(app.count_statements("DELETE"), 1, "the database is still blocked");
    lock.release();
    assert_eq!(first.expect_response().status, 204);
    for mut waiting in queue {
        assert_eq!(waiting.expect_response().status, 200);
    }
    assert_eq!(app.count_orders(), 5, "the queue's orders and no other");
    for id in 200..220 {
        app.post("/create_order", order(id)).expect_done();
    }
}

#[test]
fn a_stream_that_has_begun_is_not_cut_by_an_old_queue() {
    let app = TestApp::setup().env(&[("POOL_MAX", "2"), ("WRITE_TIMEOUT", "60s")]).env(&LONG).start();
    app.post("/create_orders", orders(1..=40_000)).expect_done();
    let mut reader = e2e::open_stalled_reader(&app);
    let (lock, mut first, _queue) = with_old_queue(&app, [50_000]);
    expect_shed(Duration::ZERO, &app.get("/orders/7"));
    lock.release();
    assert_eq!(first.expect_response().status, 204);
    let (mut all, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    while !all.ends_with(b"\r\n0\r\n\r\n") {
        let count = reader.read(&mut buffer).expect("the stream goes on");
        assert!(count > 0, "cut short after {} bytes", all.len());
        all.extend_from_slice(&buffer[..count]);
    }
}

mod slow {
    use super::*;

    #[test]
    fn a_slow_databases_queue_is_half_a_second_long_and_the_rest_is_shed() {
        let app = TestApp::setup().through_proxy().env(&[("POOL_MAX", "9")]).env(&LONG).start();
        app.post("/create_order", order(1)).expect_done();
        let read = |client: &Client, _| client.get("/orders/1");
        // Opens the connections, and prepares the statement.
        send_at_once(&app, 8, read);
        let delay = Duration::from_secs(1);
        app.proxy().set(Fault::Delay { to_server: Duration::ZERO, to_client: delay }).unwrap();
        // The queue learns how long the database takes.
        send_at_once(&app, 8, read);
        let (first, others) = thread::scope(|scope| {
            let first = scope.spawn(|| send_at_once(&app, 24, read));
            // Eight requests are at the database. Sixteen wait, for less time than the bound: that would take too long.
            wait_until_shedding(&app);
            let others = send_at_once(&app, 40, read);
            (first.join().expect("a burst"), others)
        });
        let served = |all: &[(Duration, Response)]| all.iter().filter(|(_, response)| response.status == 200).count();
        println!("{} of the first and {} of the others were served", served(&first), served(&others));
        // On a busy machine the last of the first are late.
        assert!(served(&first) >= 17, "who is in the queue is served: {}", served(&first));
        // All together would take eight seconds.
        assert!(served(&others) < 10, "the queue is longer than half a second: {}", served(&others));
        for (took, response) in first.iter().chain(&others).filter(|(_, response)| response.status != 200) {
            expect_shed(*took, response);
        }
        app.proxy().set(Fault::Pass).unwrap();
        wait_until("the service to serve all", || {
            send_at_once(&app, 20, read).iter().all(|(_, response)| response.status == 200)
        });
    }
}
