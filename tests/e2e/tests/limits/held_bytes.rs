//! Bytes that are held for clients: stalled uploads, unread responses, half-sent heads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use testkit::MemoryCgroup;

use e2e::{RawConnection, TestApp, order, with};

/// The memory of a container with the service, as deploy/ sets it.
const CONTAINER_BYTES: u64 = 128 << 20;

/// An order with an address of 255 characters, which take four bytes each.
fn long_order(id: u32) -> String {
    with(id, "shipping_address", Some(&format!("\"{}\"", "🏠".repeat(255))))
}

/// A table in which a page of 1,000 orders has more than a megabyte.
fn insert_long_orders(app: &TestApp) {
    for start in [1, 501] {
        let orders: Vec<String> = (start..start + 500).map(long_order).collect();
        app.post("/create_orders", format!("[{}]", orders.join(","))).expect_done();
    }
}

/// A client that has announced 32 MiB, has sent `sent` bytes and sends no more.
fn stalled_upload(app: &TestApp, sent: usize) -> RawConnection {
    stalled_upload_of(app, 32 << 20, sent)
}

/// The same with another length.
fn stalled_upload_of(app: &TestApp, length: usize, sent: usize) -> RawConnection {
    let mut connection = app.connect();
    connection.send(format!("POST /create_orders HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n["));
    connection.send(vec![b' '; sent]);
    connection
}

/// A client that asks for a page of a megabyte and reads nothing.
fn unread_page(app: &TestApp) -> RawConnection {
    let mut connection = RawConnection::connect_with_small_buffer(app.address());
    connection.send("GET /orders?limit=1000 HTTP/1.1\r\nHost: x\r\n\r\n");
    connection
}

/// A client whose echo is not read.
fn unread_echo(app: &TestApp) -> RawConnection {
    let mut connection = RawConnection::connect_with_small_buffer(app.address());
    connection.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 30000000\r\n\r\n");
    // As much as the service and the kernel take.
    let _ = connection.stream().set_write_timeout(Some(Duration::from_millis(20)));
    let _ = connection.try_send(vec![b'x'; 512 * 1024]);
    connection
}

/// A client that has sent a part of a head.
fn half_head(app: &TestApp) -> RawConnection {
    let mut connection = app.connect();
    connection.send(format!("GET /orders HTTP/1.1\r\nHost: x\r\nX-Long: {}", "v".repeat(15 * 1024)));
    connection
}

#[test]
fn stalled_uploads_stop_no_other_writes() {
    let app = TestApp::spawn();
    let (length, sent) = (16 << 20, 3 << 20);
    // Together they announce more than the budget, 40 MiB.
    let stalled: Vec<_> = (0..3).map(|_| stalled_upload_of(&app, length, sent)).collect();
    for id in 1..=20 {
        app.post("/create_order", order(id)).expect_done();
    }
    app.post("/create_orders", format!("[{}{}]", " ".repeat(4 << 20), order(50))).expect_done();
    // None of them was turned away or cut off: what they have announced is nobody's yet.
    for (mut upload, id) in stalled.into_iter().zip(100..) {
        let end = format!("{}]", order(id));
        upload.send(vec![b' '; length - 1 - sent - end.len()]).send(end);
        let response = upload.expect_response();
        assert_eq!(response.status, 200, "{}", response.text());
    }
    assert_eq!(app.count_orders(), 24);
}

#[test]
fn uploads_that_hold_the_whole_budget_make_room_for_others() {
    let app = TestApp::spawn();
    let stalled: Vec<_> = (0..6).map(|_| stalled_upload(&app, 12 << 20)).collect();
    app.post("/create_order", order(1)).expect_done();
    e2e::wait_until("room for a large body", || {
        let body = format!("[{}{}]", order(2), " ".repeat(20 << 20));
        // A client that is shed while it sends may not see its response.
        let response = app.try_send("POST", "/create_orders", &[], Some(body.as_bytes()));
        response.is_ok_and(|response| [200, 409].contains(&response.status))
    });
    drop(stalled);
}

/// A client that sends an order of 64 KiB: `first` bytes at once, the rest at twice the minimum rate.
fn slow_sender(app: &TestApp, first: usize) -> RawConnection {
    let mut connection = app.connect();
    connection
        .send("POST /orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 65536\r\n\r\n");
    connection.send(vec![b' '; first]);
    connection
}

#[test]
fn senders_at_the_minimum_rate_keep_no_small_request_out() {
    let app = TestApp::setup().env(&[("MAX_BUFFERED_BYTES", "1MiB"), ("MAX_BODY_BYTES", "1MiB")]).start();
    // Together they hold the whole budget: 64 KiB and a parser each, of 16 MiB and 1 MiB.
    let mut senders: Vec<_> = (0..240).map(|_| slow_sender(&app, 33 * 1024)).collect();
    // And what is left of it.
    senders.extend((0..20).map(|_| slow_sender(&app, 100)));
    let (started, is_over, closed) = (Instant::now(), AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        scope.spawn(|| send_slowly(&app, senders, started, &is_over, &closed));
        e2e::wait_until("a sender for whom there is no memory", || closed.load(Ordering::Relaxed) > 0);
        for id in 1..30 {
            // A request waits 40 ms for memory. On a busy machine it takes longer to close a connection.
            e2e::wait_until("an order", || {
                let response = app.try_send("POST", "/create_order", &[], Some(order(id).as_bytes()));
                response.is_ok_and(|response| [200, 409].contains(&response.status))
            });
        }
        assert!(started.elapsed() < SLOW_SENDING_TIME, "the senders had sent everything by then");
        is_over.store(true, Ordering::Relaxed);
    });
    assert!(app.service().is_running());
}

/// The time in which a slow sender has sent everything.
const SLOW_SENDING_TIME: Duration = Duration::from_secs(15);

/// Sends twice the minimum rate on each connection. Those that are closed are counted and opened again.
fn send_slowly(
    app: &TestApp,
    mut senders: Vec<RawConnection>,
    started: Instant,
    is_over: &AtomicBool,
    closed: &AtomicUsize,
) {
    let mut sent = 0;
    while !is_over.load(Ordering::Relaxed) && started.elapsed() < SLOW_SENDING_TIME {
        let due = started.elapsed().as_millis() as usize * 2;
        for sender in &mut senders {
            if sender.try_send(vec![b' '; due - sent]).is_err() {
                closed.fetch_add(1, Ordering::Relaxed);
                *sender = slow_sender(app, 100);
            }
        }
        sent = due;
        thread::sleep(Duration::from_millis(100));
    }
}

/// Hundreds of clients in a container's memory.
mod slow {
    use super::*;

    /// Holds what `open` opens, `count` times, while an honest client writes and reads.
    fn serve_beside(app: &TestApp, group: &MemoryCgroup, what: &str, count: u32, open: &dyn Fn() -> RawConnection) {
        let mut held = Vec::new();
        let (mut served, mut shed) = (0, 0);
        let (mut max_sockets, mut max_sum) = (0, 0);
        let started = Instant::now();
        for number in 0..count {
            held.push(open());
            if number % 10 == 0 {
                match app.get("/orders/1").status {
                    200 => served += 1,
                    503 => shed += 1,
                    status => panic!("{what}: {status}"),
                }
                assert_eq!(app.get("/health").status, 200, "{what}");
            }
            let sockets = group.socket_usage();
            max_sockets = sockets.max(max_sockets);
            max_sum = (group.usage().unwrap() + sockets).max(max_sum);
            if number % 50 == 0 {
                // Beyond the orders of the table.
                let id = 100_000 + app.count_orders() as u32;
                app.post("/create_order", order(id)).expect_done();
                assert_eq!(app.get("/orders?limit=20").status, 200, "{what}");
            }
        }
        println!(
            "{what}: {count} in {:?}; {served} served, {shed} shed; {} KiB in use, peak {} KiB; sockets' buffers up to \
             {} KiB, together {} KiB",
            started.elapsed(),
            group.usage().unwrap() / 1024,
            group.peak().unwrap() / 1024,
            max_sockets / 1024,
            max_sum / 1024,
        );
        assert!(app.service().is_running(), "{what} ended the process:\n{}", app.service().log());
        assert_eq!(shed, 0, "{what}: an honest client was shed");
        // Version 2 of control groups counts the sockets' buffers, too.
        assert!(max_sum < CONTAINER_BYTES, "{what}: {max_sum} bytes with the sockets' buffers");
    }

    #[test]
    fn no_mix_of_clients_ends_a_service_in_a_container_of_128_mib() {
        let group = MemoryCgroup::new(CONTAINER_BYTES).expect("a control group");
        let wrapper = group.wrapper();
        let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
        let app = TestApp::setup().wrapper(&wrapper).start();
        insert_long_orders(&app);
        println!("at the start: {} KiB in use", group.usage().unwrap() / 1024);
        serve_beside(&app, &group, "unread pages", 300, &|| unread_page(&app));
        serve_beside(&app, &group, "stalled uploads", 60, &|| stalled_upload(&app, 2 << 20));
        serve_beside(&app, &group, "unread echoes", 200, &|| unread_echo(&app));
        serve_beside(&app, &group, "half-sent heads", 1_500, &|| half_head(&app));
        let mixed = std::cell::Cell::new(0);
        let open_next = || {
            mixed.set(mixed.get() + 1);
            match mixed.get() % 5 {
                0 => unread_page(&app),
                1 => stalled_upload(&app, 1 << 20),
                2 => unread_echo(&app),
                3 => slow_sender(&app, 33 * 1024),
                _ => half_head(&app),
            }
        };
        serve_beside(&app, &group, "a mix", 400, &open_next);
        let peak = group.peak().unwrap();
        serve_beside(&app, &group, "the mix again", 400, &open_next);
        let growth = group.peak().unwrap() - peak;
        // Without reuse it would be three times that.
        assert!(growth < 24 << 20, "memory is not used again: {} KiB more", growth / 1024);
        app.post("/create_order", order(5_000)).expect_done();
        assert!(app.get("/orders?limit=1000").expect(200).body.len() > 1 << 20);
    }
}
