//! Invalid queries and unknown paths.

use super::{Expected, assert_still_serves, send_and_check, spawn_with_order};

#[test]
fn invalid_queries_are_400_and_change_nothing() {
    let app = spawn_with_order();
    let wrong = [
        "/orders?limit=0",
        "/orders?limit=-1",
        "/orders?limit=1001",
        "/orders?limit=abc",
        "/orders?limit=",
        "/orders?limit",
        "/orders?limit=1.0",
        "/orders?limit=%2B1",
        "/orders?limit=1e2",
        "/orders?limit=99999999999999999999",
        "/orders?limit=1&limit=1",
        "/orders?limit=1&after=x",
        "/orders?limit=1&after=-1",
        "/orders?limit=1&after=4294967296",
        "/orders?limit=1&after=",
        "/orders?limit=1&after=1&after=1",
        "/orders?page=2",
        "/orders?limit=1&page=2",
        "/orders?LIMIT=1",
        "/orders?%6cimi=1",
        "/orders?limit=%zz",
        "/orders?limit=%ff",
        "/orders?limit=%00",
        "/orders?=",
        "/orders?limit=1;after=1",
        "/delete_order",
        "/delete_order?",
        "/delete_order?id=",
        "/delete_order?id",
        "/delete_order?id=abc",
        "/delete_order?id=0",
        "/delete_order?id=-1",
        "/delete_order?id=1.0",
        "/delete_order?id=%201",
        "/delete_order?id=4294967297",
        "/delete_order?id=1&id=1",
        "/delete_order?id=1&id=2",
        "/delete_order?id=1&force=true",
        "/delete_order?order_id=1",
        "/delete_order?ID=1",
        "/delete_order?id=1,2",
        "/delete_order?id=1%00",
        "/delete_order?id=1%20OR%201=1",
        "/delete_order?id=0x1",
        "/delete_order?id=%D9%A1",
    ];
    let mut accepted = Vec::new();
    for path in wrong {
        let response = app.get(path);
        if response.status == 200 {
            accepted.push(path);
            continue;
        }
        response.expect_problem(400, "invalid-query");
        assert_still_serves(&app, path);
    }
    assert!(accepted.is_empty(), "taken for good: {accepted:#?}");
}

#[test]
fn a_query_on_an_endpoint_without_parameters_is_400() {
    let app = spawn_with_order();
    let body = e2e::order(2);
    let calls: [(&str, &str, Option<&str>); 8] = [
        ("GET", "/?x=1", None),
        ("GET", "/orders/1?x=1", None),
        ("PUT", "/orders/1?force=true", Some(&body)),
        ("DELETE", "/orders/1?force=true", None),
        ("POST", "/orders?limit=1", Some(&body)),
        ("POST", "/create_order?x=1", Some(&body)),
        ("POST", "/create_orders?x=1", Some("[]")),
        ("POST", "/update_order?id=1", Some(&body)),
    ];
    for (method, path, body) in calls {
        app.send(method, path, &[], body.map(str::as_bytes)).expect_problem(400, "invalid-query");
        assert_still_serves(&app, path);
    }
}

#[test]
fn unknown_paths_are_404_and_change_nothing() {
    let app = spawn_with_order();
    for path in [
        "//",
        "/.",
        "/..",
        "/../orders",
        "/./orders",
        "/orders/../orders",
        "/%2e%2e/orders",
        "/orders%2f1",
        "/orders%00",
        "/ORDERS",
        "/orders\\1",
        "/orders;a=1",
        "/%",
        "/%zz",
        "/delete_order/1",
        "/etc/passwd",
        "/%F0%9F%8F%A0",
        "/.git/config",
        "/index.php",
    ] {
        send_and_check(&app, path, format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes(), Expected::Rejected);
        assert_still_serves(&app, path);
    }
}
