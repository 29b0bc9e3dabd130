//! The content types of request bodies.

use e2e::{TestApp, order, orders};

const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn json_is_accepted_under_all_its_media_types() {
    let app = TestApp::spawn();
    let types =
        ["application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON"];
    for (id, kind) in (1..).zip(types) {
        app.send("POST", "/orders", &[("content-type", kind)], Some(order(id).as_bytes())).expect(201);
    }
}

#[test]
fn walkthrough_endpoints_accept_json_declared_as_a_form_by_curl() {
    let app = TestApp::spawn();
    let form = [("content-type", FORM)];
    app.send("POST", "/create_order", &form, Some(order(1).as_bytes())).expect_done();
    app.send("POST", "/create_orders", &form, Some(orders([2, 3]).as_bytes())).expect_done();
    app.send("POST", "/update_order", &form, Some(order(3).as_bytes())).expect_done();
    assert_eq!(app.get("/orders").text().trim(), orders([1, 2, 3]));
}

#[test]
fn resources_reject_json_declared_as_a_form() {
    let app = TestApp::spawn();
    app.post("/create_order", order(1)).expect_done();
    let form = [("content-type", FORM)];
    app.send("POST", "/orders", &form, Some(order(2).as_bytes())).expect_problem(415, "unsupported-media-type");
    app.send("PUT", "/orders/1", &form, Some(order(1).as_bytes())).expect_problem(415, "unsupported-media-type");
}

#[test]
fn a_body_without_a_content_type_is_parsed_as_json() {
    let app = TestApp::spawn();
    app.send("POST", "/create_order", &[], Some(order(1).as_bytes())).expect_done();
    app.send("POST", "/orders", &[], Some(order(2).as_bytes())).expect(201);
    app.send("PUT", "/orders/2", &[], Some(order(2).as_bytes())).expect(200);
}

#[test]
fn other_content_types_are_415_on_every_endpoint_that_takes_an_order() {
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
fn a_body_with_a_content_encoding_is_415_unless_it_is_identity() {
    let app = TestApp::spawn();
    for encoding in ["gzip", "br", "deflate", "zstd", "x-unknown", "gzip, identity"] {
        let headers = [("content-type", "application/json"), ("content-encoding", encoding)];
        app.send("POST", "/create_order", &headers, Some(order(1).as_bytes()))
            .expect_problem(415, "unsupported-media-type");
    }
    let headers = [("content-type", "application/json"), ("content-encoding", "identity")];
    app.send("POST", "/create_order", &headers, Some(order(1).as_bytes())).expect_done();
}
