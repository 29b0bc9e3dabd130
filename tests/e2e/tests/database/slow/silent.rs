//! A network that accepts all data and returns none.

use std::thread;
use std::time::{Duration, Instant};

use testkit::Fault;

use crate::database::{
    MAX_RESPONSE_TIME, call_every_endpoint, expect_database_problem, wait_until_serving, with_short_timeouts,
};
use e2e::{order, orders};

#[test]
fn requests_to_a_silent_database_fail_in_time_and_the_service_recovers() {
    let app = with_short_timeouts().start();
    app.post("/create_orders", orders([1, 2])).expect_done();
    for round in 1..=2_u32 {
        app.proxy().set(Fault::BlackHole).unwrap();
        for (call, response) in call_every_endpoint(&app, 100 * round) {
            expect_database_problem(call, &response);
        }
        app.get("/health").expect(200);
        app.proxy().set(Fault::Pass).unwrap();
        wait_until_serving(&app);
    }
    assert!(app.has_order(1) && app.has_order(2));
}

#[test]
fn a_hundred_requests_to_a_silent_database_all_fail_in_time() {
    let app = with_short_timeouts().start();
    app.post("/create_order", order(1)).expect_done();
    app.proxy().set(Fault::BlackHole).unwrap();
    thread::scope(|scope| {
        let requests: Vec<_> = (0..100_u32)
            .map(|number| {
                let client = app.new_client();
                scope.spawn(move || {
                    let started = Instant::now();
                    let response = match number % 3 {
                        0 => client.get("/orders/1"),
                        1 => client.get("/orders"),
                        _ => client.post("/create_order", order(1_000 + number)),
                    };
                    (started.elapsed(), response)
                })
            })
            .collect();
        while requests.iter().any(|request| !request.is_finished()) {
            let started = Instant::now();
            app.get("/health").expect(200);
            assert!(started.elapsed() < Duration::from_millis(500), "/health took {:?}", started.elapsed());
            // Samples without adding a load of their own.
            thread::sleep(Duration::from_millis(10));
        }
        for request in requests {
            let (took, response) = request.join().expect("a request");
            assert!(took <= MAX_RESPONSE_TIME, "answered after {took:?}");
            expect_database_problem("in a black hole", &response);
        }
    });
    app.proxy().set(Fault::Pass).unwrap();
    wait_until_serving(&app);
    app.post("/create_order", order(2)).expect_done();
}

#[test]
fn a_rejected_write_is_not_executed_when_the_network_recovers() {
    let app = with_short_timeouts().start();
    app.proxy().set(Fault::BlackHole).unwrap();
    let responses: Vec<_> = (1..=5).map(|id| (id, app.post("/create_order", order(id)))).collect();
    // The proxy forwards the data that it held back, like a network that recovers.
    app.proxy().set(Fault::Pass).unwrap();
    wait_until_serving(&app);
    for (id, response) in responses {
        if expect_database_problem("POST /create_order", &response) != "outcome-unknown" {
            assert!(!app.has_order(id), "order {id} was refused and is there: {}", response.summary());
        }
    }
}
