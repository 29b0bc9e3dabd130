//! `kill -9`: whatever was acknowledged is there.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use e2e::{Client, Order, TestApp, order, orders};

/// Creates orders until the service is gone: single ones and batches in turn. Gives what was acknowledged.
fn create_until_it_ends(client: &Client, first: u32) -> BTreeSet<u32> {
    let mut acknowledged = BTreeSet::new();
    for start in (first..).step_by(10) {
        let body = orders(start + 1..start + 10);
        let single = client.try_send(
            "POST",
            "/create_order",
            &[("content-type", "application/json")],
            Some(order(start).as_bytes()),
        );
        match single {
            Ok(response) if response.status == 200 => acknowledged.insert(start),
            Ok(response) => panic!("{}", response.summary()),
            Err(_) => break,
        };
        match client.try_send("POST", "/create_orders", &[("content-type", "application/json")], Some(body.as_bytes()))
        {
            Ok(response) if response.status == 200 => acknowledged.extend(start + 1..start + 10),
            Ok(response) => panic!("{}", response.summary()),
            Err(_) => break,
        }
    }
    acknowledged
}

#[test]
fn a_killed_service_leaves_no_lock_behind() {
    let app = TestApp::setup().through_proxy().start();
    app.post("/create_order", order(1)).expect_done();
    let delay = testkit::Fault::Delay { to_server: Duration::ZERO, to_client: Duration::from_millis(500) };
    app.proxy().set(delay).unwrap();
    let mut connection = app.connect();
    let body = order(1);
    connection.send(format!("POST /update_order HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    thread::sleep(Duration::from_millis(700));
    app.service().kill();
    app.proxy().set(testkit::Fault::Pass).unwrap();
    let app = app.start_again();
    app.get("/init").expect_done();
    app.post("/update_order", order(1)).expect_done();
}

/// Kills the service three times under load.
mod slow {
    use super::*;

    #[test]
    fn a_killed_service_has_lost_nothing_that_it_acknowledged() {
        let mut app = TestApp::spawn();
        for round in 0..3_u32 {
            let acknowledged: BTreeSet<u32> = thread::scope(|scope| {
                let clients: Vec<_> = (0..6)
                    .map(|number| {
                        let client = app.new_client();
                        scope.spawn(move || create_until_it_ends(&client, 1 + 10_000_000 * round + 1_000_000 * number))
                    })
                    .collect();
                thread::sleep(Duration::from_millis(400));
                app.service().kill();
                clients.into_iter().flat_map(|client| client.join().expect("a client")).collect()
            });
            assert!(acknowledged.len() > 20, "only {} orders were acknowledged", acknowledged.len());
            app = app.start_again();
            let stored: BTreeSet<u32> =
                Order::read_all(&app.get("/orders").expect(200).text()).iter().map(|order| order.order_id).collect();
            let lost: Vec<_> = acknowledged.difference(&stored).collect();
            assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
            // A batch is there whole or not at all.
            for start in stored.iter().filter(|id| (**id - 1) % 10 == 1) {
                assert!((*start..start + 9).all(|id| stored.contains(&id)), "half a batch at {start}");
            }
        }
    }
}
