//! Requests that a page of another site makes a browser send. The headers are those that browsers send.

use e2e::{TestApp, order};

use super::{WRITES, send};

const SHOP: &str = "https://shop.example";

/// What browsers send for images, forms, scripts and links of other sites, and for prefetches.
const MARKS: [&[(&str, &str)]; 8] = [
    &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")],
    &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("origin", "https://evil.example")],
    &[("sec-fetch-site", "same-site"), ("origin", "http://localhost:3000")],
    // From older browsers, and to plain HTTP on another machine.
    &[("origin", "https://evil.example"), ("content-type", "text/plain")],
    &[("origin", "https://evil.example"), ("content-type", "application/x-www-form-urlencoded")],
    &[("origin", "null")],
    &[("sec-fetch-site", "none"), ("sec-purpose", "prefetch;prerender")],
    &[("purpose", "prefetch")],
];

#[test]
fn another_site_s_page_cannot_write() {
    let app = TestApp::spawn();
    app.post("/create_order", order(1)).expect_done();
    for write in WRITES {
        for mark in MARKS {
            let response = send(&app, write, mark);
            assert_eq!(response.status, 403, "{write:?} with {mark:?}: {}", response.summary());
            response.expect_problem(403, "cross-site-request");
        }
    }
    assert_eq!(app.get("/orders").text().trim(), format!("[{}]", order(1)), "nothing was written");
}

#[test]
fn another_site_s_page_cannot_reset() {
    let app = TestApp::spawn_with(&[("ALLOW_RESET", "true")]);
    app.post("/create_order", order(1)).expect_done();
    for mark in MARKS {
        app.send("GET", "/init?reset=true", mark, None).expect_problem(403, "cross-site-request");
    }
    assert!(app.has_order(1));
}

#[test]
fn users_own_pages_and_other_programs_can_write() {
    let app = TestApp::spawn();
    let own = app.base().to_owned();
    for headers in [
        &[][..],
        &[("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate"), ("sec-fetch-user", "?1")],
        &[("sec-fetch-site", "same-origin"), ("origin", own.as_str())],
        &[("origin", own.as_str())],
        &[("user-agent", "curl/8.14.1"), ("content-type", "application/x-www-form-urlencoded")],
    ] {
        app.send("POST", "/create_order", headers, Some(order(1).as_bytes())).expect_done();
        app.send("GET", "/delete_order?id=1", headers, None).expect_done();
    }
}

#[test]
fn the_configured_origin_can_write_and_no_other_one() {
    let app = TestApp::spawn_with(&[("CORS_ALLOW_ORIGIN", SHOP)]);
    let from = |origin| [("sec-fetch-site", "cross-site"), ("origin", origin), ("content-type", "application/json")];
    app.send("POST", "/orders", &from(SHOP), Some(order(1).as_bytes())).expect(201);
    let rejected = app.send("POST", "/orders", &from("https://evil.example"), Some(order(2).as_bytes()));
    rejected.expect_problem(403, "cross-site-request");
    // An image of that page sends no Origin.
    app.send("GET", "/delete_order?id=1", &[("sec-fetch-site", "cross-site")], None).expect(403);
    assert!(app.has_order(1) && !app.has_order(2));
}

#[test]
fn reads_are_answered_whoever_asks() {
    let app = TestApp::spawn();
    app.post("/create_order", order(1)).expect_done();
    for mark in MARKS {
        for path in ["/", "/orders", "/orders/1", "/health", "/ready"] {
            assert_eq!(app.send("GET", path, mark, None).status, 200, "{path} with {mark:?}");
        }
        app.send("OPTIONS", "/orders", mark, None).expect(204);
    }
}
