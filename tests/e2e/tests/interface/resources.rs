//! Orders as resources: `POST /orders` and `GET|PUT|DELETE /orders/{id}`.

use e2e::{Order, TestApp, order, orders, with};

#[test]
fn a_posted_order_is_201_with_location_etag_and_body() {
    let app = TestApp::spawn();
    let response = app.post("/orders", order(7)).expect(201);
    assert_eq!(response.header("location"), Some("/orders/7"));
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.text().trim(), order(7));
    let there = app.get("/orders/7").expect(200);
    assert_eq!(there.text().trim(), order(7));
    assert_eq!(there.etag(), response.etag(), "the tag of creation is the tag of the order");
}

#[test]
fn the_service_generates_an_id_if_the_body_has_none() {
    let app = TestApp::spawn();
    let mut given = Vec::new();
    for _ in 0..3 {
        let response = app.post("/orders", with(1, "order_id", None)).expect(201);
        let created = Order::read(&response.text());
        assert_eq!(response.header("location"), Some(format!("/orders/{}", created.order_id).as_str()));
        assert_eq!(app.get(&format!("/orders/{}", created.order_id)).expect(200).text(), response.text());
        given.push(created.order_id);
    }
    given.dedup();
    assert_eq!(given.len(), 3, "ids are given once");
    assert!(given.iter().all(|id| *id > 0));
}

#[test]
fn a_generated_id_never_collides_with_a_chosen_one() {
    let app = TestApp::spawn();
    app.post("/create_orders", orders([1, 2, 3, 10])).expect_done();
    for _ in 0..12 {
        let created = Order::read(&app.post("/orders", with(1, "order_id", None)).expect(201).text());
        assert!(![1, 2, 3, 10].contains(&created.order_id));
    }
    assert_eq!(Order::read_all(&app.get("/orders").text()).len(), 16);
}

#[test]
fn when_the_greatest_id_is_used_no_id_is_generated() {
    let app = TestApp::spawn();
    app.post("/orders", order(u32::MAX)).expect(201);
    let response = app.post("/orders", with(1, "order_id", None));
    assert_eq!(response.status, 409, "{}", response.summary());
    response.expect_problem(409, "ids-exhausted");
    app.post("/orders", order(7)).expect(201);
}

#[test]
fn an_id_of_null_is_not_a_missing_id() {
    let app = TestApp::spawn();
    let problem = app.post("/orders", with(1, "order_id", Some("null"))).expect_problem(400, "invalid-order");
    assert!(problem.has_error_for("order_id"), "{problem:?}");
}

#[test]
fn a_posted_duplicate_is_409() {
    let app = TestApp::spawn();
    app.post("/orders", order(7)).expect(201);
    app.post("/orders", order(7)).expect_problem(409, "duplicate-order");
}

#[test]
fn an_absent_order_is_404_for_every_method() {
    let app = TestApp::spawn();
    app.get("/orders/5").expect_problem(404, "order-not-found");
    app.put("/orders/5", order(5)).expect_problem(404, "order-not-found");
    app.delete("/orders/5").expect_problem(404, "order-not-found");
    assert_eq!(app.get("/orders").text().trim(), "[]", "PUT replaces, it does not create");
}

#[test]
fn a_put_returns_the_order_and_its_new_etag() {
    let app = TestApp::spawn();
    let before = app.post("/orders", order(7)).expect(201).etag();
    let response = app.put("/orders/7", with(7, "quantity", Some("3"))).expect(200);
    assert_eq!(response.text().trim(), with(7, "quantity", Some("3")));
    assert_ne!(response.etag(), before, "another content has another tag");
    let there = app.get("/orders/7").expect(200);
    assert_eq!((there.text(), there.etag()), (response.text(), response.etag()));
}

#[test]
fn a_put_may_omit_the_id_but_not_contradict_the_path() {
    let app = TestApp::spawn();
    app.post("/create_orders", orders([7, 8])).expect_done();
    let response = app.put("/orders/7", with(7, "order_id", None)).expect(200);
    assert_eq!(response.text().trim(), order(7));
    let problem = app.put("/orders/7", order(8)).expect_problem(400, "invalid-order");
    assert!(problem.has_error_for("order_id"), "{problem:?}");
    assert_eq!(app.get("/orders").text().trim(), orders([7, 8]));
}

#[test]
fn a_put_without_a_change_keeps_the_etag() {
    let app = TestApp::spawn();
    let before = app.post("/orders", order(7)).expect(201).etag();
    assert_eq!(app.put("/orders/7", order(7)).expect(200).etag(), before);
}

#[test]
fn a_deleted_order_is_204_and_gone() {
    let app = TestApp::spawn();
    app.post("/orders", order(7)).expect(201);
    let response = app.delete("/orders/7").expect(204);
    assert!(response.body.is_empty());
    app.get("/orders/7").expect_problem(404, "order-not-found");
    app.delete("/orders/7").expect_problem(404, "order-not-found");
}

#[test]
fn an_invalid_id_is_not_a_resource() {
    let app = TestApp::spawn();
    for id in
        ["0", "-1", "+1", "1.0", "01", "4294967296", "99999999999999999999", "abc", "1%20", "%31x", "1/2", "1/", ""]
    {
        let path = format!("/orders/{id}");
        let response = app.get(&path);
        assert!(
            [400, 404].contains(&response.status),
            "GET {path} is neither refused nor absent: {}",
            response.summary()
        );
        assert_eq!(response.json()["status"], response.status, "{path}");
    }
}

#[test]
fn both_views_show_the_same_orders() {
    let app = TestApp::spawn();
    app.post("/create_order", order(1)).expect_done();
    app.post("/orders", order(2)).expect(201);
    app.post("/update_order", with(2, "tax", Some("3.25"))).expect_done();
    assert_eq!(app.get("/orders/2").expect(200).text().trim(), with(2, "tax", Some("3.25")));
    app.get("/delete_order?id=1").expect_done();
    app.get("/orders/1").expect_problem(404, "order-not-found");
}
