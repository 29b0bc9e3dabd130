//! More requests than can be worked on: the surplus is told so at once.

use std::thread;
use std::time::{Duration, Instant};

use testkit::Fault;

use crate::support::{Reply, TestApp, eventually, order};

/// Asks so many times at once: how long each took, and what it got.
fn burst(app: &TestApp, requests: u32, path: &str) -> Vec<(Duration, Reply)> {
    thread::scope(|scope| {
        let all: Vec<_> = (0..requests)
            .map(|_| {
                let client = app.new_client();
                scope.spawn(move || {
                    let started = Instant::now();
                    let reply = client.get(path);
                    (started.elapsed(), reply)
                })
            })
            .collect();
        all.into_iter().map(|one| one.join().expect("a request")).collect()
    })
}

#[test]
fn what_is_beyond_the_bound_is_503_at_once_and_what_is_within_is_served() {
    let app = TestApp::setup().through_proxy().env(&[("MAX_IN_FLIGHT", "5")]).start();
    app.post("/create_order", order(1)).expect_done();
    let delay = Duration::from_millis(1_500);
    // Five connections first: making one takes more answers of the database than asking for an order.
    app.proxy().set(Fault::Delay { to_server: Duration::ZERO, to_client: Duration::from_millis(100) }).unwrap();
    burst(&app, 20, "/orders/1");
    app.proxy().set(Fault::Delay { to_server: Duration::ZERO, to_client: delay }).unwrap();
    let all = thread::scope(|scope| {
        let burst = scope.spawn(|| burst(&app, 40, "/orders/1"));
        while !burst.is_finished() {
            let started = Instant::now();
            app.get("/health").expect(200);
            assert!(started.elapsed() < Duration::from_millis(500), "/health took {:?}", started.elapsed());
            thread::sleep(Duration::from_millis(20));
        }
        burst.join().expect("a burst")
    });
    let (served, shed): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, reply)| reply.status == 200);
    assert!(served.len() >= 5, "only {} were served", served.len());
    assert!(shed.len() >= 20, "only {} were shed", shed.len());
    for (took, reply) in shed {
        reply.expect_problem(503, "overloaded");
        assert!(reply.header("retry-after").is_some());
        assert!(took < delay, "shed only after {took:?}");
    }
    app.proxy().set(Fault::Pass).unwrap();
    assert!(burst(&app, 5, "/orders/1").iter().all(|(_, reply)| reply.status == 200), "the places came back");
}

#[test]
fn waiting_for_a_connection_to_the_database_is_bounded() {
    let app = TestApp::setup().through_proxy().env(&[("POOL_MAX", "2"), ("CONNECT_TIMEOUT", "300ms")]).start();
    app.post("/create_order", order(1)).expect_done();
    app.proxy().set(Fault::Delay { to_server: Duration::ZERO, to_client: Duration::from_secs(1) }).unwrap();
    let all = burst(&app, 20, "/orders/1");
    assert!(all.iter().any(|(_, reply)| reply.status == 200));
    for (took, reply) in all.iter().filter(|(_, reply)| reply.status != 200) {
        assert_eq!(reply.status, 503, "{}", reply.summary());
        assert!(reply.header("retry-after").is_some());
        assert!(*took < Duration::from_secs(3), "told only after {took:?}");
    }
    app.proxy().set(Fault::Pass).unwrap();
    eventually("the connections to come back", || {
        burst(&app, 2, "/orders/1").iter().all(|(_, reply)| reply.status == 200).then_some(())
    });
}

#[test]
fn large_bodies_share_a_bounded_memory() {
    let app =
        TestApp::spawn_with(&[("MAX_BODY_BYTES", "8MiB"), ("MAX_BUFFERED_BYTES", "8MiB"), ("BODY_TIMEOUT", "5s")]);
    app.get("/health").expect(200);
    let before = app.service().rss_bytes().unwrap();
    // Twenty clients that each send seven megabytes and keep the last byte back.
    let mut all: Vec<_> = (0..20).map(|_| app.raw()).collect();
    thread::scope(|scope| {
        for raw in &mut all {
            scope.spawn(|| {
                let length = 7 << 20;
                raw.send(format!("POST /create_orders HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"));
                raw.send(vec![b' '; length - 1]);
            });
        }
    });
    let growth = app.service().rss_bytes().unwrap().saturating_sub(before);
    println!("{} KiB for 20 bodies of 7 MiB", growth / 1024);
    assert!(growth < 40 << 20, "grew by {growth} bytes");
    app.post("/create_order", order(1)).expect_done();
    let answers: Vec<u16> = all.iter_mut().filter_map(|raw| raw.reply()).map(|reply| reply.status).collect();
    assert!(answers.iter().filter(|status| **status == 503).count() >= 15, "{answers:?}");
    drop(all);
    eventually("the memory to be free for others", || {
        let body = format!("{}{}", " ".repeat(6 << 20), crate::support::orders([2]));
        let reply = app.post("/create_orders", body);
        (reply.status == 200 || reply.status == 409).then_some(())
    });
}
