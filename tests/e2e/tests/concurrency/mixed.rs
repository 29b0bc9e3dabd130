//! A hundred clients with mixed requests, each for its own orders.

use std::thread;

use super::LONG_QUEUE;
use e2e::{Client, Order, Response, TestApp, order, with};
use testkit::Ledger;

/// The number of concurrent clients.
const CLIENTS: u32 = 100;

/// The number of requests of each client.
const REQUESTS: u32 = 40;

/// Sends mixed requests for the orders from `1000 * (number + 1)` on, the same in each run. Returns what must be
/// stored.
fn send_mixed_requests(client: &Client, number: u32) -> Ledger<String> {
    let mut random = fastrand::Rng::with_seed(number.into());
    let mut ledger = Ledger::new();
    let first = 1_000 * (number + 1);
    for round in 0..REQUESTS {
        let id = first + random.u32(..20);
        let body = with(id, "quantity", Some(&(round + 1).to_string()));
        match random.u32(..8) {
            0 => create(&mut ledger, id, &body, 200, |body| client.post("/create_order", body)),
            1 => create(&mut ledger, id, &body, 201, |body| client.post("/orders", body)),
            2 => create_batch(&mut ledger, client, first + 100 + 5 * round),
            3 | 4 => change(&mut ledger, id, Some(&body), client.post("/update_order", &body)),
            5 => change(&mut ledger, id, Some(&body), client.put(&format!("/orders/{id}"), &body)),
            6 => change(&mut ledger, id, None, client.delete(&format!("/delete_order?id={id}"))),
            _ => read(&ledger, id, &client.get(&format!("/orders/{id}"))),
        }
    }
    ledger
}

fn create(ledger: &mut Ledger<String>, id: u32, body: &str, created: u16, send: impl FnOnce(&str) -> Response) {
    let exists = ledger.get(id.into()).is_some();
    ledger.sent(id.into(), Some(body.to_owned()));
    let response = send(body).expect(if exists { 409 } else { created });
    if response.status == created { ledger.acknowledged(id.into()) } else { ledger.rejected(id.into()) }
}

fn create_batch(ledger: &mut Ledger<String>, client: &Client, first: u32) {
    let batch: Vec<(u32, String)> = (first..first + 5).map(|id| (id, order(id))).collect();
    let bodies: Vec<&str> = batch.iter().map(|(_, body)| body.as_str()).collect();
    client.post("/create_orders", format!("[{}]", bodies.join(","))).expect_done();
    batch.into_iter().for_each(|(id, body)| ledger.acknowledged_new(id.into(), body));
}

/// Records an update, or a deletion without a body.
fn change(ledger: &mut Ledger<String>, id: u32, body: Option<&str>, response: Response) {
    let exists = ledger.get(id.into()).is_some();
    ledger.sent(id.into(), body.map(str::to_owned));
    let response = response.expect(if exists { 200 } else { 404 });
    if response.status == 200 { ledger.acknowledged(id.into()) } else { ledger.rejected(id.into()) }
}

fn read(ledger: &Ledger<String>, id: u32, response: &Response) {
    match ledger.get(id.into()) {
        Some(body) => {
            assert_eq!((response.status, response.text().trim()), (200, body.as_str()), "read your own write");
        }
        None => assert_eq!(response.status, 404, "{}", response.summary()),
    }
}

#[test]
fn mixed_requests_of_a_hundred_clients_leave_the_expected_table() {
    let app = TestApp::spawn_with(&[LONG_QUEUE]);
    let mut ledger = Ledger::new();
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let client = app.new_client();
                scope.spawn(move || send_mixed_requests(&client, number))
            })
            .collect();
        clients.into_iter().for_each(|client| ledger.merge(client.join().expect("a client")));
    });
    let expected: Vec<&str> = ledger.entries().map(|(_, body)| body.as_str()).collect();
    assert!(expected.len() > 1_000, "only {} orders were written", expected.len());
    let listed = app.get("/orders").expect(200).text();
    assert!(listed.trim() == format!("[{}]", expected.join(",")), "the table is not what the clients wrote");
    assert_eq!(app.count_orders(), expected.len());
}

#[test]
fn a_table_that_changes_is_read_with_unique_ids_in_order() {
    let app = TestApp::spawn_with(&[LONG_QUEUE]);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|number| {
                let client = app.new_client();
                scope.spawn(move || send_mixed_requests(&client, number))
            })
            .collect();
        while writers.iter().any(|writer| !writer.is_finished()) {
            let orders = Order::read_all(&app.get("/orders").expect(200).text());
            let ids: Vec<u32> = orders.iter().map(|order| order.order_id).collect();
            assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "ids repeat or are out of order: {ids:?}");
        }
    });
}
