//! `GET /init`: creates missing tables, drops nothing, and resets only if that is allowed.

use e2e::{TestApp, order, orders};

#[test]
fn init_creates_the_table_and_may_be_repeated() {
    let app = TestApp::without_tables(&[]);
    app.get("/init").expect_done();
    app.post("/create_order", order(1)).expect_done();
    app.get("/init").expect_done();
    app.get("/init?reset=false").expect_done();
    assert_eq!(app.get("/orders").text().trim(), orders([1]), "init never drops data");
}

#[test]
fn before_init_every_call_reports_that_init_is_missing() {
    let app = TestApp::without_tables(&[]);
    let responses = [
        ("GET /orders", app.get("/orders")),
        ("GET /orders?limit=1", app.get("/orders?limit=1")),
        ("GET /orders/1", app.get("/orders/1")),
        ("POST /orders", app.post("/orders", order(1))),
        ("PUT /orders/1", app.put("/orders/1", order(1))),
        ("DELETE /orders/1", app.delete("/orders/1")),
        ("POST /create_order", app.post("/create_order", order(1))),
        ("POST /create_orders", app.post("/create_orders", orders([1]))),
        ("POST /update_order", app.post("/update_order", order(1))),
        ("GET /delete_order", app.get("/delete_order?id=1")),
    ];
    for (call, response) in responses {
        let problem = response.expect_problem(503, "not-initialised");
        assert!(problem.detail.contains("/init"), "{call}: {problem:?}");
        assert!(response.header("retry-after").is_some(), "{call}");
    }
    app.get("/ready").expect(503);
    app.get("/health").expect(200);
}

#[test]
fn auto_init_creates_the_table_at_start() {
    let app = TestApp::without_tables(&[("AUTO_INIT", "true")]);
    e2e::wait_until("the table to be there", || app.get("/ready").status == 200);
    assert_eq!(app.get("/orders").expect(200).text().trim(), "[]");
}

#[test]
fn reset_is_forbidden_unless_allowed() {
    let app = TestApp::spawn();
    app.post("/create_order", order(1)).expect_done();
    app.get("/init?reset=true").expect_problem(403, "reset-forbidden");
    assert_eq!(app.get("/orders").text().trim(), orders([1]));
}

#[test]
fn an_allowed_reset_empties_the_table() {
    let app = TestApp::spawn_with(&[("ALLOW_RESET", "true")]);
    app.post("/create_order", order(1)).expect_done();
    app.get("/init").expect_done();
    assert_eq!(app.get("/orders").text().trim(), orders([1]), "without reset=true nothing is dropped");
    app.get("/init?reset=true").expect_done();
    assert_eq!(app.get("/orders").text().trim(), "[]");
    app.post("/create_order", order(1)).expect_done();
}

#[test]
fn init_rejects_unknown_parameters() {
    let app = TestApp::spawn_with(&[("ALLOW_RESET", "true")]);
    app.post("/create_order", order(1)).expect_done();
    for query in ["reset=yes", "reset=", "reset=TRUE", "rest=true", "reset=true&reset=true", "reset=true&x=1"] {
        app.get(&format!("/init?{query}")).expect_problem(400, "invalid-query");
    }
    assert_eq!(app.get("/orders").text().trim(), orders([1]));
}

#[test]
fn the_schema_has_a_version_and_exact_columns() {
    let app = TestApp::spawn();
    let columns = app.sql(
        "SELECT GROUP_CONCAT(CONCAT(column_name, ' ', column_type, ' ', is_nullable) ORDER BY ordinal_position SEPARATOR ', ') \
         FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'orders'",
    );
    for column in
        ["order_id int(10) unsigned NO", "amount decimal(12,2)", "shipping decimal(12,2)", "tax decimal(12,2)"]
    {
        assert!(columns.contains(column), "{column} is not among: {columns}");
    }
    assert!(!columns.contains("float") && !columns.contains("double"), "{columns}");
}
