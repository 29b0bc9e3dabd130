//! `ETag`, `If-None-Match` and `If-Match` (RFC 9110, 8.8.3 and 13.1).

use e2e::{Client, Response, TestApp, order, with};

fn get_if(app: &Client, path: &str, name: &str, value: &str) -> Response {
    app.send("GET", path, &[(name, value)], None)
}

fn change(app: &Client, method: &str, path: &str, if_match: &str, body: Option<&str>) -> Response {
    let headers = [("if-match", if_match), ("content-type", "application/json")];
    app.send(method, path, &headers, body.map(str::as_bytes))
}

#[test]
fn an_unchanged_order_is_304_without_a_body() {
    let app = TestApp::spawn();
    let tag = app.post("/orders", order(1)).expect(201).etag();
    for value in [tag.clone(), format!("\"other\", {tag}"), format!("W/{tag}"), "*".to_owned()] {
        let response = get_if(&app, "/orders/1", "if-none-match", &value).expect(304);
        assert!(response.body.is_empty(), "{value}");
        assert_eq!(response.etag(), tag, "a 304 carries the tag");
    }
    get_if(&app, "/orders/1", "if-none-match", "\"other\"").expect(200);
}

#[test]
fn a_changed_order_is_sent_again() {
    let app = TestApp::spawn();
    let tag = app.post("/orders", order(1)).expect(201).etag();
    app.post("/update_order", with(1, "quantity", Some("5"))).expect_done();
    let response = get_if(&app, "/orders/1", "if-none-match", &tag).expect(200);
    assert_ne!(response.etag(), tag);
}

#[test]
fn an_etag_depends_on_the_value_and_not_on_its_notation() {
    let app = TestApp::spawn();
    let first = app.post("/orders", with(1, "amount", Some("56"))).expect(201).etag();
    let second = app.put("/orders/1", with(1, "amount", Some("5.6e1"))).expect(200).etag();
    assert_eq!(first, second);
}

#[test]
fn different_orders_have_different_tags() {
    let app = TestApp::spawn();
    let one = app.post("/orders", order(1)).expect(201).etag();
    let two = app.post("/orders", order(2)).expect(201).etag();
    assert_ne!(one, two);
}

#[test]
fn a_put_with_an_old_tag_is_412_and_changes_nothing() {
    let app = TestApp::spawn();
    let old = app.post("/orders", order(1)).expect(201).etag();
    let current = app.put("/orders/1", with(1, "quantity", Some("3"))).expect(200).etag();
    let mine = with(1, "quantity", Some("4"));
    change(&app, "PUT", "/orders/1", &old, Some(&mine)).expect_problem(412, "precondition-failed");
    assert_eq!(app.get("/orders/1").etag(), current);
    change(&app, "PUT", "/orders/1", &current, Some(&mine)).expect(200);
    assert_eq!(app.get("/orders/1").text().trim(), mine);
}

#[test]
fn a_delete_with_an_old_tag_is_412_and_deletes_nothing() {
    let app = TestApp::spawn();
    let old = app.post("/orders", order(1)).expect(201).etag();
    let current = app.put("/orders/1", with(1, "quantity", Some("3"))).expect(200).etag();
    change(&app, "DELETE", "/orders/1", &old, None).expect_problem(412, "precondition-failed");
    change(&app, "DELETE", "/orders/1", &current, None).expect(204);
}

#[test]
fn walkthrough_endpoints_honour_if_match() {
    let app = TestApp::spawn();
    let old = app.post("/orders", order(1)).expect(201).etag();
    let mine = with(1, "quantity", Some("3"));
    change(&app, "POST", "/update_order", &old, Some(&mine)).expect_done();
    change(&app, "POST", "/update_order", &old, Some(&order(1))).expect_problem(412, "precondition-failed");
    change(&app, "GET", "/delete_order?id=1", &old, None).expect_problem(412, "precondition-failed");
    change(&app, "DELETE", "/delete_order?id=1", &old, None).expect_problem(412, "precondition-failed");
    let current = app.get("/orders/1").expect(200).etag();
    change(&app, "DELETE", "/delete_order?id=1", &current, None).expect_done();
}

#[test]
fn if_match_accepts_lists_and_the_asterisk_but_no_weak_tags() {
    let app = TestApp::spawn();
    let tag = app.post("/orders", order(1)).expect(201).etag();
    let body = order(1);
    change(&app, "PUT", "/orders/1", "*", Some(&body)).expect(200);
    change(&app, "PUT", "/orders/1", &format!("\"other\" , {tag}"), Some(&body)).expect(200);
    // RFC 9110 13.1.1: If-Match compares strongly, so a weak tag never matches.
    change(&app, "PUT", "/orders/1", &format!("W/{tag}"), Some(&body)).expect_problem(412, "precondition-failed");
}

#[test]
fn if_match_on_an_absent_order_never_succeeds() {
    let app = TestApp::spawn();
    for (method, value) in [("PUT", "*"), ("PUT", "\"x\""), ("DELETE", "*"), ("DELETE", "\"x\"")] {
        let body = order(9);
        let response = change(&app, method, "/orders/9", value, (method == "PUT").then_some(body.as_str()));
        assert!([404, 412].contains(&response.status), "{method} {value}: {}", response.summary());
    }
    assert_eq!(app.get("/orders").text().trim(), "[]");
}

#[test]
fn a_malformed_precondition_is_rejected_and_not_ignored() {
    let app = TestApp::spawn();
    app.post("/orders", order(1)).expect(201);
    for value in ["bare", "\"open", "", ",", "W/", "\"a\" \"b\""] {
        let response = change(&app, "DELETE", "/orders/1", value, None);
        assert!([400, 412].contains(&response.status), "{value:?}: {}", response.summary());
    }
    app.get("/orders/1").expect(200);
}

#[test]
fn of_two_writers_with_the_same_tag_one_wins() {
    let app = TestApp::spawn();
    let tag = app.post("/orders", order(1)).expect(201).etag();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let writers: Vec<_> = (10..18)
            .map(|quantity| {
                let (app, tag) = (&app, &tag);
                scope.spawn(move || {
                    let body = with(1, "quantity", Some(&quantity.to_string()));
                    change(app, "PUT", "/orders/1", tag, Some(&body)).status
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 7, "{statuses:?}");
}

#[test]
fn a_write_with_a_matching_if_none_match_is_412() {
    let app = TestApp::spawn();
    app.post("/create_order", order(1)).expect(200);
    let tag = app.get("/orders/1").expect(200).etag();
    let changed = with(1, "quantity", Some("9"));
    for unwanted in ["*", tag.as_str(), &format!("W/{tag}")] {
        let headers = [("content-type", "application/json"), ("if-none-match", unwanted)];
        let response = app.send("PUT", "/orders/1", &headers, Some(changed.as_bytes()));
        response.expect_problem(412, "precondition-failed");
    }
    assert_eq!(app.get("/orders/1").expect(200).etag(), tag, "nothing was changed");
    let headers = [("content-type", "application/json"), ("if-none-match", "\"another\"")];
    app.send("PUT", "/orders/1", &headers, Some(changed.as_bytes())).expect(200);
    get_if(&app, "/orders/1", "if-match", "\"another\"").expect_problem(412, "precondition-failed");
}
