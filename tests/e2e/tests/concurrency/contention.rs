//! Concurrent writes of the same orders.

use std::collections::HashSet;
use std::sync::Barrier;
use std::thread;

use super::LONG_QUEUE;
use e2e::{Client, Order, Response, TestApp, order, orders, with};

/// The responses to `clients` clients that send the same request at the same moment.
fn send_together(app: &TestApp, clients: u32, act: impl Fn(&Client, u32) -> Response + Sync) -> Vec<Response> {
    let start = Barrier::new(clients as usize);
    thread::scope(|scope| {
        let handles: Vec<_> = (0..clients)
            .map(|number| {
                let (client, start, act) = (app.new_client(), &start, &act);
                scope.spawn(move || {
                    start.wait();
                    act(&client, number)
                })
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().expect("a client")).collect()
    })
}

fn count_status(responses: &[Response], status: u16) -> usize {
    responses.iter().filter(|response| response.status == status).count()
}

#[test]
fn of_a_hundred_creations_of_one_order_one_succeeds() {
    let app = TestApp::spawn_with(&[LONG_QUEUE]);
    let responses = send_together(&app, 100, |client, number| {
        client.post("/create_order", with(1, "quantity", Some(&(number + 1).to_string())))
    });
    assert_eq!((count_status(&responses, 200), count_status(&responses, 409)), (1, 99));
    let winner = responses.iter().position(|response| response.status == 200).unwrap() + 1;
    assert_eq!(
        app.get("/orders/1").text().trim(),
        with(1, "quantity", Some(&winner.to_string())),
        "the winner's order is stored"
    );
}

#[test]
fn of_a_hundred_deletions_of_one_order_one_succeeds() {
    let app = TestApp::spawn_with(&[LONG_QUEUE]);
    app.post("/create_order", order(1)).expect_done();
    let responses = send_together(&app, 100, |client, _| client.delete("/orders/1"));
    assert_eq!((count_status(&responses, 204), count_status(&responses, 404)), (1, 99));
}

#[test]
fn a_hundred_orders_without_ids_get_a_hundred_ids() {
    let app = TestApp::spawn_with(&[LONG_QUEUE]);
    let responses = send_together(&app, 100, |client, _| client.post("/orders", with(1, "order_id", None)));
    let ids: HashSet<u32> =
        responses.iter().map(|response| Order::read(&response.clone().expect(201).text()).order_id).collect();
    assert_eq!(ids.len(), 100);
    assert_eq!(app.count_orders(), 100);
}

#[test]
fn overlapping_batches_are_each_all_or_nothing() {
    let app = TestApp::spawn_with(&[LONG_QUEUE]);
    // Batch n holds n..n+10, in ascending order in one half of the batches and descending in the other: this causes
    // deadlocks.
    let batch = |number: u32| (number + 1)..(number + 11);
    let responses = send_together(&app, 40, |client, number| {
        let ids: Vec<u32> = if number % 2 == 0 { batch(number).collect() } else { batch(number).rev().collect() };
        client.post("/create_orders", orders(ids))
    });
    let mut expected = HashSet::new();
    for (number, response) in (0..).zip(&responses) {
        match response.status {
            200 => expected.extend(batch(number)),
            409 => {}
            _ => panic!("batch {number}: {}", response.summary()),
        }
    }
    let stored: HashSet<u32> = Order::read_all(&app.get("/orders").text()).iter().map(|order| order.order_id).collect();
    assert!(!expected.is_empty());
    assert_eq!(stored, expected);
}

#[test]
fn increments_by_a_hundred_clients_with_if_match_are_not_lost() {
    let app = TestApp::spawn_with(&[LONG_QUEUE]);
    app.post("/create_order", with(1, "quantity", Some("1"))).expect_done();
    let responses = send_together(&app, 100, |client, _| {
        loop {
            let seen = client.get("/orders/1").expect(200);
            let next = Order::read(&seen.text()).quantity + 1;
            let headers = [("if-match", seen.etag()), ("content-type", "application/json".to_owned())];
            let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let body = with(1, "quantity", Some(&next.to_string()));
            let response = client.send("PUT", "/orders/1", &headers, Some(body.as_bytes()));
            match response.status {
                200 => return response,
                412 => {}
                _ => panic!("{}", response.summary()),
            }
        }
    });
    assert_eq!(responses.len(), 100);
    assert_eq!(Order::read(&app.get("/orders/1").text()).quantity, 101, "no increment is lost");
}

#[test]
fn the_pool_never_exceeds_its_maximum() {
    let app = TestApp::spawn_with(&[LONG_QUEUE, ("POOL_MAX", "3")]);
    app.post("/create_orders", orders(1..=600)).expect_done();
    let max = thread::scope(|scope| {
        let work = scope.spawn(|| {
            send_together(&app, 50, |client, number| {
                for id in 0..10 {
                    client.get("/orders").expect(200);
                    client.post("/create_order", order(1_000 + 10 * number + id)).expect_done();
                }
                client.get("/orders/1").expect(200)
            })
        });
        let mut max = 0;
        while !work.is_finished() {
            max = max.max(app.count_sessions());
        }
        work.join().expect("the clients");
        max
    });
    assert!((1..=3).contains(&max), "{max} connections at the database, 3 allowed");
}
