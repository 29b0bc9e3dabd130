//! The service in WasmEdge's interpreter behaves like the compiled one.

use testkit::Runtime;

use e2e::{TestApp, order, orders, with};

#[test]
fn the_interpreter_serves_the_same() {
    let app = TestApp::setup().runtime(Runtime::Interpreter).start();
    app.post("/create_orders", orders(1..=600)).expect_done();
    let tag = app.put("/orders/3", with(3, "amount", Some("1e2"))).expect(200).etag();
    assert_eq!(app.get("/orders/3").expect(200).text().trim(), with(3, "amount", Some("100.00")));
    assert_eq!(app.get("/orders/3").etag(), tag);
    app.post("/create_order", order(3)).expect_problem(409, "duplicate-order");
    app.post("/create_order", "{").expect_problem(400, "invalid-json");
    app.get("/delete_order?id=3").expect_done();
    let all: Vec<u32> = (1..=600).filter(|id| *id != 3).collect();
    assert_eq!(app.get("/orders").expect(200).text().trim(), orders(all));
}
