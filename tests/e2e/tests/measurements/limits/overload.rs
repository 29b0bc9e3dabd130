//! Requests over the limit, which get 503 at once.

use std::thread;
use std::time::{Duration, Instant};

use testkit::Fault;

use e2e::{Response, TestApp, order, wait_for};

/// Sends `requests` requests at once. Returns the response time and the response of each.
fn send_at_once(app: &TestApp, requests: u32, path: &str) -> Vec<(Duration, Response)> {
    thread::scope(|scope| {
        let all: Vec<_> = (0..requests)
            .map(|_| {
                let client = app.new_client();
                scope.spawn(move || {
                    let started = Instant::now();
                    let response = client.get(path);
                    (started.elapsed(), response)
                })
            })
            .collect();
        all.into_iter().map(|one| one.join().expect("a request")).collect()
    })
}

#[test]
fn requests_over_the_limit_get_503_at_once_and_the_others_are_served() {
    let _alone = e2e::run_alone();
    let app = TestApp::setup().through_proxy().env(&[("MAX_IN_FLIGHT", "5")]).start();
    app.post("/create_order", order(1)).expect_done();
    let delay = Duration::from_millis(1_500);
    // First opens five database connections: that takes more round trips than reading an order.
    app.proxy().set(Fault::Delay { to_server: Duration::ZERO, to_client: Duration::from_millis(100) }).unwrap();
    send_at_once(&app, 20, "/orders/1");
    app.proxy().set(Fault::Delay { to_server: Duration::ZERO, to_client: delay }).unwrap();
    let all = thread::scope(|scope| {
        let burst = scope.spawn(|| send_at_once(&app, 40, "/orders/1"));
        while !burst.is_finished() {
            let started = Instant::now();
            app.get("/health").expect(200);
            assert!(started.elapsed() < Duration::from_millis(500), "/health took {:?}", started.elapsed());
            // Samples without adding a load of their own.
            thread::sleep(Duration::from_millis(20));
        }
        burst.join().expect("a burst")
    });
    let (served, shed): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, response)| response.status == 200);
    assert!(served.len() >= 5, "only {} were served", served.len());
    assert!(shed.len() >= 20, "only {} were shed", shed.len());
    for (took, response) in shed {
        response.expect_problem(503, "overloaded");
        assert!(response.header("retry-after").is_some());
        assert!(took < delay, "shed only after {took:?}");
    }
    app.proxy().set(Fault::Pass).unwrap();
    assert!(
        send_at_once(&app, 5, "/orders/1").iter().all(|(_, response)| response.status == 200),
        "the places came back"
    );
}

#[test]
fn the_wait_for_a_pooled_connection_is_bounded() {
    let _alone = e2e::run_alone();
    let app = TestApp::setup().through_proxy().env(&[("POOL_MAX", "2"), ("CONNECT_TIMEOUT", "300ms")]).start();
    app.post("/create_order", order(1)).expect_done();
    app.proxy().set(Fault::Delay { to_server: Duration::ZERO, to_client: Duration::from_secs(1) }).unwrap();
    let all = send_at_once(&app, 20, "/orders/1");
    assert!(all.iter().any(|(_, response)| response.status == 200));
    for (took, response) in all.iter().filter(|(_, response)| response.status != 200) {
        assert_eq!(response.status, 503, "{}", response.summary());
        assert!(response.header("retry-after").is_some());
        assert!(*took < Duration::from_secs(3), "rejected only after {took:?}");
    }
    app.proxy().set(Fault::Pass).unwrap();
    wait_for("the connections to come back", || {
        send_at_once(&app, 2, "/orders/1").iter().all(|(_, response)| response.status == 200).then_some(())
    });
}

#[test]
fn large_bodies_share_a_memory_limit() {
    let _alone = e2e::run_alone();
    let app =
        TestApp::spawn_with(&[("MAX_BODY_BYTES", "8MiB"), ("MAX_BUFFERED_BYTES", "8MiB"), ("BODY_TIMEOUT", "5s")]);
    app.get("/health").expect(200);
    let before = app.service().rss_bytes().unwrap();
    // Twenty clients send seven megabytes each, except the last byte.
    let mut all: Vec<_> = (0..20).map(|_| app.connect()).collect();
    thread::scope(|scope| {
        for connection in &mut all {
            scope.spawn(|| {
                let length = 7 << 20;
                connection.send(format!("POST /create_orders HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"));
                connection.send(vec![b' '; length - 1]);
            });
        }
    });
    let growth = app.service().rss_bytes().unwrap().saturating_sub(before);
    println!("{} KiB for 20 bodies of 7 MiB", growth / 1024);
    assert!(growth < 40 << 20, "grew by {growth} bytes");
    app.post("/create_order", order(1)).expect_done();
    let responses: Vec<u16> =
        all.iter_mut().filter_map(|connection| connection.response()).map(|response| response.status).collect();
    assert!(responses.iter().filter(|status| **status == 503).count() >= 15, "{responses:?}");
    drop(all);
    wait_for("the memory to be free for others", || {
        let body = format!("{}{}", " ".repeat(6 << 20), e2e::orders([2]));
        let response = app.post("/create_orders", body);
        (response.status == 200 || response.status == 409).then_some(())
    });
}
