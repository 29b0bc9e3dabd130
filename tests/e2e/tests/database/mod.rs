//! The database away, gone, slow, silent, cut off, picky: every request is answered in time, nothing that was acknowledged
//! is lost, nothing is written twice, and the service finds its way back by itself.

mod away;
mod commit;
mod cut;
mod migrations;
mod restart;
mod silent;
mod slow;
mod take_over;
mod tls;

use std::time::{Duration, Instant};

use crate::support::{Client, Reply, Setup, TestApp, eventually, orders};

/// Short deadlines, so that a test does not take long. A COMMIT that is on its way is waited for beyond the request's.
const QUICK: [(&str, &str); 4] =
    [("STATEMENT_TIMEOUT", "500ms"), ("CONNECT_TIMEOUT", "500ms"), ("REQUEST_TIMEOUT", "1s"), ("BATCH_TIMEOUT", "1s")];

/// No answer may take longer with [`QUICK`]: request, one COMMIT, and a machine that is busy.
const BOUND: Duration = Duration::from_millis(3_500);

/// A service with [`QUICK`] deadlines behind a proxy.
fn quick() -> Setup {
    TestApp::setup().through_proxy().env(&QUICK)
}

/// A request that must be answered within [`BOUND`].
#[track_caller]
fn in_time(what: &str, ask: impl FnOnce() -> Reply) -> Reply {
    let started = Instant::now();
    let reply = ask();
    let took = started.elapsed();
    assert!(took <= BOUND, "{what} took {took:?}: {}", reply.summary());
    reply
}

/// One of the answers that say that the database cannot be used, in full order; its name.
#[track_caller]
fn expect_no_database(what: &str, reply: &Reply) -> &'static str {
    let slugs = [
        (503, "database-unavailable"),
        (504, "database-timeout"),
        (503, "outcome-unknown"),
        (503, "overloaded"),
        (503, "conflict"),
    ];
    let text = reply.text();
    let (status, slug) = slugs
        .into_iter()
        .find(|(_, slug)| text.contains(&format!("urn:order-service:problem:{slug}\"")))
        .unwrap_or_else(|| panic!("{what}: {}", reply.summary()));
    reply.expect_problem(status, slug);
    let retry = reply.header("retry-after");
    match slug {
        // Asking again could do it twice.
        "outcome-unknown" => assert_eq!(retry, None, "{what}"),
        "database-timeout" => {}
        _ => assert!(retry.is_some_and(|after| after.parse::<u32>().is_ok()), "{what}: Retry-After is {retry:?}"),
    }
    slug
}

/// Every kind of call, once, with orders that are in nobody's way.
fn every_call(client: &Client, first_id: u32) -> Vec<(&'static str, Reply)> {
    let order = crate::support::order;
    let path = format!("/orders/{first_id}");
    let delete = format!("/delete_order?id={first_id}");
    vec![
        ("GET /orders", in_time("GET /orders", || client.get("/orders"))),
        ("GET /orders?limit", in_time("GET /orders?limit", || client.get("/orders?limit=10"))),
        ("GET /orders/{id}", in_time("GET /orders/{id}", || client.get("/orders/1"))),
        ("POST /orders", in_time("POST /orders", || client.post("/orders", order(first_id)))),
        ("PUT /orders/{id}", in_time("PUT /orders/{id}", || client.put(&path, order(first_id)))),
        ("POST /create_order", in_time("POST /create_order", || client.post("/create_order", order(first_id + 1)))),
        (
            "POST /create_orders",
            in_time("POST /create_orders", || client.post("/create_orders", orders([first_id + 2, first_id + 3]))),
        ),
        ("POST /update_order", in_time("POST /update_order", || client.post("/update_order", order(first_id)))),
        ("GET /delete_order", in_time("GET /delete_order", || client.get(&delete))),
        ("DELETE /orders/{id}", in_time("DELETE /orders/{id}", || client.delete(&path))),
        ("GET /init", in_time("GET /init", || client.get("/init"))),
        ("GET /ready", in_time("GET /ready", || client.get("/ready"))),
    ]
}

/// Waits until the service serves again by itself.
#[track_caller]
fn serves_again(app: &TestApp) {
    eventually("the service to serve again", || (app.get("/ready").status == 200).then_some(()));
    app.get("/orders?limit=1").expect(200);
    app.get("/health").expect(200);
}
