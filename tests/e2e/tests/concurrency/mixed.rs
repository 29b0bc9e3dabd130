//! A hundred clients, each with orders of its own, doing everything at once.

use std::collections::BTreeMap;
use std::thread;

use e2e::{Client, TestApp, order, with};

/// Clients at once.
const CLIENTS: u32 = 100;

/// What each does.
const STEPS: u32 = 40;

/// A small generator of numbers that look random and are the same in each run (xorshift).
struct Dice(u32);

impl Dice {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 % bound
    }
}

/// Does things to the orders `1000 * number ..` and keeps book of what must be there.
fn work(client: &Client, number: u32) -> BTreeMap<u32, String> {
    let mut dice = Dice(0x9e37_79b9 ^ (number + 1));
    let mut book: BTreeMap<u32, String> = BTreeMap::new();
    let first = 1_000 * (number + 1);
    for step in 0..STEPS {
        let id = first + dice.below(20);
        let there = book.contains_key(&id);
        let text = with(id, "quantity", Some(&(step + 1).to_string()));
        match dice.below(8) {
            0 => {
                let response = client.post("/create_order", &text);
                assert_eq!(response.status, if there { 409 } else { 200 }, "{}", response.summary());
                book.entry(id).or_insert(text);
            }
            1 => {
                let response = client.post("/orders", &text);
                assert_eq!(response.status, if there { 409 } else { 201 }, "{}", response.summary());
                book.entry(id).or_insert(text);
            }
            2 => {
                let batch: Vec<u32> = (0..5).map(|n| first + 100 + 5 * step + n).collect();
                let body: Vec<String> = batch.iter().map(|id| order(*id)).collect();
                client.post("/create_orders", format!("[{}]", body.join(","))).expect_done();
                book.extend(batch.into_iter().zip(body));
            }
            3 | 4 => {
                let response = client.post("/update_order", &text);
                assert_eq!(response.status, if there { 200 } else { 404 }, "{}", response.summary());
                book.entry(id).and_modify(|known| *known = text);
            }
            5 => {
                let response = client.put(&format!("/orders/{id}"), &text);
                assert_eq!(response.status, if there { 200 } else { 404 }, "{}", response.summary());
                book.entry(id).and_modify(|known| *known = text);
            }
            6 => {
                let response = client.delete(&format!("/delete_order?id={id}"));
                assert_eq!(response.status, if there { 200 } else { 404 }, "{}", response.summary());
                book.remove(&id);
            }
            _ => {
                let response = client.get(&format!("/orders/{id}"));
                assert_eq!(response.status, if there { 200 } else { 404 }, "{}", response.summary());
                if let Some(known) = book.get(&id) {
                    assert_eq!(response.text().trim(), known, "a client reads what it wrote");
                }
            }
        }
    }
    book
}

#[test]
fn mixed_requests_of_a_hundred_clients_leave_the_expected_table() {
    let app = TestApp::spawn();
    let books: Vec<BTreeMap<u32, String>> = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let client = app.new_client();
                scope.spawn(move || work(&client, number))
            })
            .collect();
        clients.into_iter().map(|client| client.join().expect("a client's book")).collect()
    });
    let expected: Vec<String> = books.into_iter().flat_map(BTreeMap::into_values).collect();
    assert!(expected.len() > 1_000, "the clients did something");
    let listed = app.get("/orders").expect(200).text();
    assert!(listed.trim() == format!("[{}]", expected.join(",")), "the table is not what the clients left behind");
    assert_eq!(app.count_orders(), expected.len());
}

#[test]
fn a_table_that_changes_is_read_with_unique_ids_in_order() {
    let app = TestApp::spawn();
    thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|number| {
                let client = app.new_client();
                scope.spawn(move || work(&client, number))
            })
            .collect();
        while writers.iter().any(|writer| !writer.is_finished()) {
            let orders = e2e::Order::read_all(&app.get("/orders").expect(200).text());
            let ids: Vec<u32> = orders.iter().map(|order| order.order_id).collect();
            assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "ids repeat or are out of order: {ids:?}");
        }
    });
}
