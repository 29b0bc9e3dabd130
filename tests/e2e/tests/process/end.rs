//! `kill -9` loses no acknowledged write.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use e2e::{Client, Order, TestApp, order, orders, wait_until};
use testkit::{Fault, Ledger};

/// Creates orders until the service has ended: single ones and batches of nine in turn. A key of the ledger is an
/// order.
fn create_until_it_ends(client: &Client, first: u32, acknowledged: &AtomicUsize) -> Ledger {
    let mut ledger = Ledger::new();
    for start in (first..).step_by(10) {
        let batch = start + 1..start + 10;
        let created = create(client, &mut ledger, "/create_order", start..start + 1, &order(start))
            && create(client, &mut ledger, "/create_orders", batch.clone(), &orders(batch));
        if !created {
            break;
        }
        acknowledged.fetch_add(10, Ordering::Relaxed);
    }
    ledger
}

/// Creates these orders with one request. False when the service has ended.
fn create(client: &Client, ledger: &mut Ledger, path: &str, ids: Range<u32>, body: &str) -> bool {
    ids.clone().for_each(|id| ledger.sent(id.into(), Some(())));
    let headers = [("content-type", "application/json")];
    let Ok(response) = client.try_send("POST", path, &headers, Some(body.as_bytes())) else { return false };
    response.expect_done();
    ids.for_each(|id| ledger.acknowledged(id.into()));
    true
}

#[test]
fn a_killed_service_leaves_no_lock_in_the_database() {
    let app = TestApp::setup().through_proxy().start();
    app.post("/create_order", order(1)).expect_done();
    let delay = Fault::Delay { to_server: Duration::ZERO, to_client: Duration::from_millis(500) };
    app.proxy().set(delay).unwrap();
    let mut connection = app.connect();
    let body = order(1);
    connection.send(format!("POST /update_order HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    wait_until("a transaction that holds a lock", || app.has_locked_orders());
    app.service().kill();
    app.proxy().set(Fault::Pass).unwrap();
    let app = app.start_again();
    app.get("/init").expect_done();
    app.post("/update_order", order(1)).expect_done();
}

/// Kills the service three times under load.
mod slow {
    use super::*;

    #[test]
    fn a_killed_service_loses_no_acknowledged_order() {
        let mut app = TestApp::spawn();
        let mut ledger = Ledger::new();
        for round in 0..3_u32 {
            let acknowledged = AtomicUsize::new(0);
            thread::scope(|scope| {
                let clients: Vec<_> = (0..6)
                    .map(|number| {
                        let (client, acknowledged) = (app.new_client(), &acknowledged);
                        let first = 1 + 10_000_000 * round + 1_000_000 * number;
                        scope.spawn(move || create_until_it_ends(&client, first, acknowledged))
                    })
                    .collect();
                wait_until("acknowledged orders", || acknowledged.load(Ordering::Relaxed) > 400);
                app.service().kill();
                clients.into_iter().for_each(|client| ledger.merge(client.join().expect("a client")));
            });
            app = app.start_again();
            let stored: BTreeSet<u32> =
                Order::read_all(&app.get("/orders").expect(200).text()).iter().map(|order| order.order_id).collect();
            ledger.check(stored.iter().map(|id| (u64::from(*id), ()))).unwrap();
            // A batch is stored completely or not at all.
            for start in stored.iter().filter(|id| (**id - 1) % 10 == 1) {
                assert!((*start..start + 9).all(|id| stored.contains(&id)), "half a batch at {start}");
            }
        }
    }
}
