//! `GET /orders?limit=N&after=ID`: pages by key, each with a link to the next page.

use e2e::{Order, Response, TestApp, orders};

fn ids(response: &Response) -> Vec<u32> {
    Order::read_all(&response.text()).iter().map(|order| order.order_id).collect()
}

/// The URL in `Link: <…>; rel="next"`.
fn next(response: &Response) -> Option<String> {
    let link = response.header("link")?;
    let (address, relation) = link.strip_prefix('<')?.split_once('>')?;
    assert_eq!(relation, "; rel=\"next\"", "{link}");
    Some(address.to_owned())
}

#[test]
fn following_the_links_gives_every_order_once() {
    let app = TestApp::spawn();
    app.post("/create_orders", orders((1..=100).map(|n| n * 3))).expect_done();
    let (mut path, mut seen, mut pages) = ("/orders?limit=7".to_owned(), Vec::new(), 0);
    loop {
        let response = app.get(&path).expect(200);
        let page = ids(&response);
        assert!(page.len() <= 7);
        pages += 1;
        seen.extend(page);
        match next(&response) {
            Some(more) => path = more,
            None => break,
        }
    }
    assert_eq!(seen, (1..=100).map(|n| n * 3).collect::<Vec<u32>>());
    assert_eq!(pages, 15);
}

#[test]
fn the_link_has_the_documented_form() {
    let app = TestApp::spawn();
    app.post("/create_orders", orders(1..=5)).expect_done();
    let response = app.get("/orders?limit=2").expect(200);
    assert_eq!(response.header("link"), Some("</orders?limit=2&after=2>; rel=\"next\""));
    assert_eq!(response.text().trim(), orders([1, 2]));
}

#[test]
fn a_page_that_ends_the_table_has_no_link() {
    let app = TestApp::spawn();
    app.post("/create_orders", orders(1..=4)).expect_done();
    for path in ["/orders?limit=4", "/orders?limit=2&after=2", "/orders?limit=1000", "/orders?limit=2&after=3"] {
        assert_eq!(app.get(path).expect(200).header("link"), None, "{path}");
    }
    assert!(app.get("/orders?limit=3").header("link").is_some());
}

#[test]
fn after_the_last_order_there_is_an_empty_page() {
    let app = TestApp::spawn();
    app.post("/create_orders", orders(1..=3)).expect_done();
    let response = app.get("/orders?limit=10&after=3").expect(200);
    assert_eq!(response.text().trim(), "[]");
    assert_eq!(response.header("link"), None);
    assert_eq!(app.get("/orders?limit=10&after=4294967295").expect(200).text().trim(), "[]");
}

#[test]
fn after_need_not_be_an_order_that_exists() {
    let app = TestApp::spawn();
    app.post("/create_orders", orders([10, 20, 30])).expect_done();
    assert_eq!(ids(&app.get("/orders?limit=10&after=15").expect(200)), [20, 30]);
    assert_eq!(ids(&app.get("/orders?after=0&limit=1").expect(200)), [10]);
}

#[test]
fn the_whole_table_has_no_link() {
    let app = TestApp::spawn();
    app.post("/create_orders", orders(1..=1500)).expect_done();
    let response = app.get("/orders").expect(200);
    assert_eq!(response.header("link"), None);
    assert_eq!(ids(&response).len(), 1500);
    assert_eq!(ids(&app.get("/orders?limit=1000").expect(200)).len(), 1000);
}

#[test]
fn an_order_added_after_a_page_is_on_the_next_page() {
    let app = TestApp::spawn();
    app.post("/create_orders", orders([10, 20, 30, 40])).expect_done();
    let first = app.get("/orders?limit=2").expect(200);
    app.post("/create_orders", orders([5, 25])).expect_done();
    app.delete("/orders/20").expect(204);
    let second = app.get(&next(&first).unwrap()).expect(200);
    assert_eq!(ids(&second), [25, 30]);
}
