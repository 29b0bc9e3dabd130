//! What a body may be declared as.

use e2e::{TestApp, order, orders};

const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn json_is_taken_under_its_names() {
    let app = TestApp::spawn();
    let types =
        ["application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON"];
    for (id, kind) in (1..).zip(types) {
        app.send("POST", "/orders", &[("content-type", kind)], Some(order(id).as_bytes())).expect(201);
    }
}

#[test]
fn the_walkthroughs_calls_take_json_as_curl_declares_it() {
    let app = TestApp::spawn();
    let form = [("content-type", FORM)];
    app.send("POST", "/create_order", &form, Some(order(1).as_bytes())).expect_done();
    app.send("POST", "/create_orders", &form, Some(orders([2, 3]).as_bytes())).expect_done();
    app.send("POST", "/update_order", &form, Some(order(3).as_bytes())).expect_done();
    assert_eq!(app.get("/orders").text().trim(), orders([1, 2, 3]));
}

#[test]
fn resources_do_not_take_json_declared_as_a_form() {
    let app = TestApp::spawn();
    app.post("/create_order", order(1)).expect_done();
    let form = [("content-type", FORM)];
    app.send("POST", "/orders", &form, Some(order(2).as_bytes())).expect_problem(415, "unsupported-media-type");
    app.send("PUT", "/orders/1", &form, Some(order(1).as_bytes())).expect_problem(415, "unsupported-media-type");
}

#[test]
fn an_undeclared_body_is_taken_as_json() {
    let app = TestApp::spawn();
    app.send("POST", "/create_order", &[], Some(order(1).as_bytes())).expect_done();
    app.send("POST", "/orders", &[], Some(order(2).as_bytes())).expect(201);
    app.send("PUT", "/orders/2", &[], Some(order(2).as_bytes())).expect(200);
}

#[test]
fn anything_else_is_415_on_every_call_that_takes_an_order() {
    let app = TestApp::spawn();
    app.post("/create_order", order(1)).expect_done();
    let types = [
        "text/plain",
        "application/xml",
        "text/json",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "*/*",
        "json",
        "",
    ];
    for kind in types {
        let headers = [("content-type", kind)];
        for (method, path) in
            [("POST", "/create_order"), ("POST", "/update_order"), ("POST", "/orders"), ("PUT", "/orders/1")]
        {
            let response = app.send(method, path, &headers, Some(order(1).as_bytes()));
            assert_eq!(response.status, 415, "{method} {path} as {kind:?}: {}", response.summary());
            response.expect_problem(415, "unsupported-media-type");
        }
        app.send("POST", "/create_orders", &headers, Some(orders([5]).as_bytes()))
            .expect_problem(415, "unsupported-media-type");
    }
    assert_eq!(app.get("/orders").text().trim(), orders([1]));
}

#[test]
fn an_encoded_body_is_415_and_an_identity_one_is_taken() {
    let app = TestApp::spawn();
    for encoding in ["gzip", "br", "deflate", "zstd", "x-unknown", "gzip, identity"] {
        let headers = [("content-type", "application/json"), ("content-encoding", encoding)];
        app.send("POST", "/create_order", &headers, Some(order(1).as_bytes()))
            .expect_problem(415, "unsupported-media-type");
    }
    let headers = [("content-type", "application/json"), ("content-encoding", "identity")];
    app.send("POST", "/create_order", &headers, Some(order(1).as_bytes())).expect_done();
}
