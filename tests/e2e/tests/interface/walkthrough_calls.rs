//! The article's endpoints: `/`, `/create_order`, `/create_orders`, `/orders`, `/update_order`, `/delete_order`.

use e2e::{Order, TestApp, order, orders, with};

#[test]
fn the_root_lists_the_endpoints_as_text() {
    let app = TestApp::spawn();
    let response = app.get("/").expect(200);
    assert!(response.header("content-type").is_some_and(|kind| kind.starts_with("text/plain")));
    for endpoint in [
        "/echo",
        "/init",
        "/create_order",
        "/create_orders",
        "/orders",
        "/update_order",
        "/delete_order",
        "/health",
        "/ready",
    ] {
        assert!(response.text().contains(endpoint), "{endpoint} is not listed in:\n{}", response.text());
    }
}

#[test]
fn an_empty_table_is_an_empty_array() {
    let app = TestApp::spawn();
    let response = app.get("/orders").expect(200);
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.text().trim(), "[]");
}

#[test]
fn a_created_order_is_listed_exactly_as_documented() {
    let app = TestApp::spawn();
    app.post("/create_order", order(1)).expect_done();
    assert_eq!(app.get("/orders").expect(200).text().trim(), format!("[{}]", order(1)));
}

#[test]
fn money_has_two_decimals_however_it_was_written() {
    let app = TestApp::spawn();
    let written = [
        ("56", "56.00"),
        ("56.0", "56.00"),
        ("0.1", "0.10"),
        ("1e2", "100.00"),
        ("99999999.99", "99999999.99"),
        ("0", "0.00"),
        ("9999999999.99", "9999999999.99"),
        ("1.5e1", "15.00"),
        ("1E+2", "100.00"),
        ("1250e-2", "12.50"),
        ("0.10", "0.10"),
        ("1.2300e1", "12.30"),
        ("0e0", "0.00"),
    ];
    for (id, (sent, _)) in (1..).zip(written) {
        app.post("/create_order", with(id, "amount", Some(sent))).expect_done();
    }
    let all = Order::read_all(&app.get("/orders").expect(200).text());
    for order in &all {
        let (sent, stored) = written[order.order_id as usize - 1];
        assert_eq!(order.amount(), stored, "sent as {sent}");
    }
    assert_eq!(all.len(), written.len());
}

#[test]
fn orders_are_listed_by_id() {
    let app = TestApp::spawn();
    app.post("/create_orders", orders([9, 2, 4_294_967_295, 5])).expect_done();
    app.post("/create_order", order(1)).expect_done();
    let ids: Vec<u32> = Order::read_all(&app.get("/orders").text()).iter().map(|order| order.order_id).collect();
    assert_eq!(ids, [1, 2, 5, 9, 4_294_967_295]);
}

#[test]
fn a_duplicate_order_is_409() {
    let app = TestApp::spawn();
    app.post("/create_order", order(1)).expect_done();
    app.post("/create_order", with(1, "quantity", Some("7"))).expect_problem(409, "duplicate-order");
    assert_eq!(app.get("/orders").text().trim(), orders([1]), "the first order is untouched");
}

#[test]
fn a_batch_with_a_duplicate_writes_nothing() {
    let app = TestApp::spawn();
    app.post("/create_order", order(3)).expect_done();
    let problem = app.post("/create_orders", orders([1, 2, 3, 4])).expect_problem(409, "duplicate-order");
    assert!(problem.detail.contains('3'), "the duplicate id is named: {problem:?}");
    assert_eq!(app.get("/orders").text().trim(), orders([3]));
}

#[test]
fn a_batch_that_repeats_an_id_writes_nothing() {
    let app = TestApp::spawn();
    app.post("/create_orders", orders([1, 2, 1])).expect_problem(409, "duplicate-order");
    assert_eq!(app.get("/orders").text().trim(), "[]");
}

#[test]
fn a_batch_with_an_invalid_order_writes_nothing_and_names_it() {
    let app = TestApp::spawn();
    let body = format!("[{},{},{}]", order(1), order(2), with(3, "quantity", Some("0")));
    let problem = app.post("/create_orders", body).expect_problem(400, "invalid-order");
    assert!(problem.has_error_for("[2].quantity"), "{problem:?}");
    assert_eq!(app.get("/orders").text().trim(), "[]");
}

#[test]
fn all_invalid_fields_of_an_order_are_named_at_once() {
    let app = TestApp::spawn();
    let body =
        r#"{"order_id":0,"product_id":-1,"quantity":0,"amount":0.001,"shipping":"1","tax":null,"shipping_address":""}"#;
    let problem = app.post("/create_order", body).expect_problem(400, "invalid-order");
    for field in ["order_id", "product_id", "quantity", "amount", "shipping", "tax", "shipping_address"] {
        assert!(problem.has_error_for(field), "{field} is not named: {problem:?}");
    }
}

#[test]
fn an_empty_batch_changes_nothing() {
    let app = TestApp::spawn();
    app.post("/create_orders", "[]").expect_done();
    assert_eq!(app.get("/orders").text().trim(), "[]");
}

#[test]
fn an_update_replaces_the_order_with_that_id_alone() {
    let app = TestApp::spawn();
    app.post("/create_orders", orders([1, 2, 3])).expect_done();
    let changed = r#"{"order_id":2,"product_id":77,"quantity":9,"amount":0.10,"shipping":0.00,"tax":9999999999.99,"shipping_address":"Elsewhere 5, 東京"}"#;
    app.post("/update_order", changed).expect_done();
    assert_eq!(app.get("/orders").text().trim(), format!("[{},{changed},{}]", order(1), order(3)));
}

#[test]
fn an_update_without_a_change_succeeds() {
    let app = TestApp::spawn();
    app.post("/create_order", order(1)).expect_done();
    app.post("/update_order", order(1)).expect_done();
    app.post("/update_order", order(1)).expect_done();
}

#[test]
fn an_update_of_an_absent_order_is_404_and_creates_nothing() {
    let app = TestApp::spawn();
    app.post("/update_order", order(1)).expect_problem(404, "order-not-found");
    assert_eq!(app.get("/orders").text().trim(), "[]");
}

#[test]
fn an_update_needs_an_id() {
    let app = TestApp::spawn();
    let problem = app.post("/update_order", with(1, "order_id", None)).expect_problem(400, "invalid-order");
    assert!(problem.has_error_for("order_id"), "{problem:?}");
}

#[test]
fn create_order_needs_an_id() {
    let app = TestApp::spawn();
    // `POST /orders` generates a missing id; the article's endpoints require it.
    let problem = app.post("/create_order", with(1, "order_id", None)).expect_problem(400, "invalid-order");
    assert!(problem.has_error_for("order_id"), "{problem:?}");
}

#[test]
fn an_order_is_deleted_by_get_and_by_delete() {
    let app = TestApp::spawn();
    app.post("/create_orders", orders([1, 2, 3])).expect_done();
    app.get("/delete_order?id=2").expect_done();
    app.delete("/delete_order?id=3").expect_done();
    assert_eq!(app.get("/orders").text().trim(), orders([1]));
}

#[test]
fn deleting_an_absent_order_is_404() {
    let app = TestApp::spawn();
    app.get("/delete_order?id=2").expect_problem(404, "order-not-found");
    app.delete("/delete_order?id=2").expect_problem(404, "order-not-found");
}

#[test]
fn a_deleted_order_can_be_created_again() {
    let app = TestApp::spawn();
    app.post("/create_order", order(1)).expect_done();
    app.get("/delete_order?id=1").expect_done();
    app.post("/create_order", order(1)).expect_done();
    assert_eq!(app.get("/orders").text().trim(), orders([1]));
}

#[test]
fn addresses_keep_every_character() {
    let app = TestApp::spawn();
    let longest = "ä".repeat(255);
    let addresses = [
        "x",
        "  spaces stay  ",
        "Ünïcödé 12",
        "東京都千代田区1-1",
        "🏠 emoji 👩‍👩‍👧",
        r#"back\\slash and \"quotes\""#,
        "'; DROP TABLE orders; --",
        "a\u{200b}b",
        "\u{feff}mark",
        "e\u{301} combining",
        longest.as_str(),
    ];
    for (id, address) in (1..).zip(addresses) {
        app.post("/create_order", with(id, "shipping_address", Some(&format!("\"{address}\"")))).expect_done();
    }
    for (order, address) in Order::read_all(&app.get("/orders").text()).iter().zip(addresses) {
        let expected: String = serde_json::from_str(&format!("\"{address}\"")).unwrap();
        assert_eq!(order.shipping_address, expected);
    }
}
