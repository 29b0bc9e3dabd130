//! Faults of the database: every request gets its response in time, no acknowledged write is lost, no write is executed
//! twice, and the service recovers by itself.

mod away;
mod batches;
mod commit;
mod foreign_rows;
mod kit;
mod migrations;
mod rogue;
mod schema_changes;
mod slow;
mod take_over;
mod tls;

use std::time::{Duration, Instant};

use e2e::{Client, Response, Setup, TestApp, orders, wait_for, wait_until};

/// Short timeouts for short tests. The service waits for a pending COMMIT beyond REQUEST_TIMEOUT.
const SHORT_TIMEOUTS: [(&str, &str); 4] =
    [("STATEMENT_TIMEOUT", "500ms"), ("CONNECT_TIMEOUT", "500ms"), ("REQUEST_TIMEOUT", "1s"), ("BATCH_TIMEOUT", "1s")];

/// The maximum response time with [`SHORT_TIMEOUTS`]: the request, one COMMIT, and a margin for a busy machine.
const MAX_RESPONSE_TIME: Duration = Duration::from_millis(3_500);

/// A service with [`SHORT_TIMEOUTS`] and a proxy before its database.
fn with_short_timeouts() -> Setup {
    TestApp::setup().through_proxy().env(&SHORT_TIMEOUTS)
}

/// Sends a request whose response must come within [`MAX_RESPONSE_TIME`].
#[track_caller]
fn within_deadline(what: &str, ask: impl FnOnce() -> Response) -> Response {
    let started = Instant::now();
    let response = ask();
    let took = started.elapsed();
    assert!(took <= MAX_RESPONSE_TIME, "{what} took {took:?}: {}", response.summary());
    response
}

/// Checks that the response is a complete problem about the database. Returns the problem's type.
#[track_caller]
fn expect_database_problem(what: &str, response: &Response) -> &'static str {
    let slugs = [
        (503, "database-unavailable"),
        (504, "database-timeout"),
        (503, "outcome-unknown"),
        (503, "overloaded"),
        (503, "conflict"),
    ];
    let text = response.text();
    let (status, slug) = slugs
        .into_iter()
        .find(|(_, slug)| text.contains(&format!("urn:order-service:problem:{slug}\"")))
        .unwrap_or_else(|| panic!("{what}: {}", response.summary()));
    response.expect_problem(status, slug);
    let retry = response.header("retry-after");
    match slug {
        // A retry could execute the write twice.
        "outcome-unknown" => assert_eq!(retry, None, "{what}"),
        "database-timeout" => {}
        _ => assert!(retry.is_some_and(|after| after.parse::<u32>().is_ok()), "{what}: Retry-After is {retry:?}"),
    }
    slug
}

/// Sends one request to each endpoint, with ids from `first_id` on.
fn call_every_endpoint(client: &Client, first_id: u32) -> Vec<(&'static str, Response)> {
    let order = e2e::order;
    let path = format!("/orders/{first_id}");
    let delete = format!("/delete_order?id={first_id}");
    vec![
        ("GET /orders", within_deadline("GET /orders", || client.get("/orders"))),
        ("GET /orders?limit", within_deadline("GET /orders?limit", || client.get("/orders?limit=10"))),
        ("GET /orders/{id}", within_deadline("GET /orders/{id}", || client.get("/orders/1"))),
        ("POST /orders", within_deadline("POST /orders", || client.post("/orders", order(first_id)))),
        ("PUT /orders/{id}", within_deadline("PUT /orders/{id}", || client.put(&path, order(first_id)))),
        (
            "POST /create_order",
            within_deadline("POST /create_order", || client.post("/create_order", order(first_id + 1))),
        ),
        (
            "POST /create_orders",
            within_deadline("POST /create_orders", || {
                client.post("/create_orders", orders([first_id + 2, first_id + 3]))
            }),
        ),
        ("POST /update_order", within_deadline("POST /update_order", || client.post("/update_order", order(first_id)))),
        ("GET /delete_order", within_deadline("GET /delete_order", || client.get(&delete))),
        ("DELETE /orders/{id}", within_deadline("DELETE /orders/{id}", || client.delete(&path))),
        ("GET /init", within_deadline("GET /init", || client.get("/init"))),
        ("GET /ready", not_ready(client)),
    ]
}

/// The first response of `/ready` that is not 200: the last success is shared for a moment.
fn not_ready(client: &Client) -> Response {
    wait_for("the service to be not ready", || {
        let response = within_deadline("GET /ready", || client.get("/ready"));
        (response.status != 200).then_some(response)
    })
}

/// Waits until the service has recovered.
#[track_caller]
fn wait_until_serving(app: &TestApp) {
    wait_until("the service to serve again", || app.get("/ready").status == 200);
    app.get("/orders?limit=1").expect(200);
    app.get("/health").expect(200);
}
