//! Bodies that are not JSON, or JSON that is not an order.

use super::{assert_still_serves, spawn_with_order};
use e2e::{order, orders, with};

/// Bodies of `POST /create_order` that are not JSON.
fn invalid_json() -> Vec<(&'static str, Vec<u8>)> {
    let amount = |json: &str| with(2, "amount", Some(json)).into_bytes();
    let address = |bytes: &[u8]| {
        let text = with(2, "shipping_address", Some("\"@\""));
        let (before, after) = text.split_once('@').unwrap();
        [before.as_bytes(), bytes, after.as_bytes()].concat()
    };
    let good = order(2);
    vec![
        ("nothing", Vec::new()),
        ("white space", b" \r\n\t ".to_vec()),
        ("an open brace", b"{".to_vec()),
        ("a closing brace", b"}".to_vec()),
        ("half an order", good.as_bytes()[..good.len() / 2].to_vec()),
        ("an order without its last byte", good.as_bytes()[..good.len() - 1].to_vec()),
        ("an order and a comma", format!("{good},").into_bytes()),
        ("two orders", format!("{good}{good}").into_bytes()),
        ("an order and a NUL", format!("{good}\0").into_bytes()),
        ("a trailing comma", good.replace('}', ",}").into_bytes()),
        ("single quotes", good.replace('"', "'").into_bytes()),
        ("names without quotes", br"{order_id:2}".to_vec()),
        ("a comment", format!("/* hello */{good}").into_bytes()),
        ("NaN", amount("NaN")),
        ("Infinity", amount("Infinity")),
        ("-Infinity", amount("-Infinity")),
        ("a leading zero", amount("056.00")),
        ("a leading plus", amount("+56.00")),
        ("a number without a whole part", amount(".5")),
        ("a number without decimals after the point", amount("5.")),
        ("a number without an exponent after the e", amount("5e")),
        ("hexadecimal", amount("0x38")),
        ("a number with underscores", amount("5_6")),
        ("a word", amount("nul")),
        ("a value left out", amount("")),
        ("an escape that JSON does not have", address(br"\x41")),
        ("a connection line feed in a string", address(b"a\nb")),
        ("a connection NUL in a string", address(b"a\0b")),
        ("a byte that is no UTF-8", address(b"a\xffb")),
        ("overlong UTF-8", address(b"\xc0\xaf")),
        ("UTF-8 cut short", address(b"\xe6\x9d")),
        ("an encoded surrogate", address(b"\xed\xa0\x80")),
        ("UTF-16", good.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("XML", b"<order><order_id>2</order_id></order>".to_vec()),
        ("form fields", b"order_id=2&product_id=12".to_vec()),
    ]
}

/// JSON that is not an order.
fn not_an_order() -> Vec<(&'static str, String)> {
    vec![
        ("null", "null".to_owned()),
        ("true", "true".to_owned()),
        ("a number", "2".to_owned()),
        ("a string", "\"order\"".to_owned()),
        ("an empty object", "{}".to_owned()),
        ("an array", orders([2])),
        ("an order in an order", format!("{{\"order\":{}}}", order(2))),
        ("100 levels of arrays", format!("{}{}", "[".repeat(100), "]".repeat(100))),
        ("30,000 levels of arrays", format!("{}{}", "[".repeat(30_000), "]".repeat(30_000))),
        ("10,000 levels of objects", format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000))),
        (
            "30,000 levels inside a field",
            with(2, "amount", Some(&format!("{}{}", "[".repeat(30_000), "]".repeat(30_000)))),
        ),
        ("30,000 levels inside an unknown field", order(2).replace('}', &format!(",\"x\":{}}}", "[".repeat(30_000)))),
    ]
}

#[test]
fn invalid_json_is_400_and_the_service_keeps_serving() {
    let app = spawn_with_order();
    for (what, body) in invalid_json() {
        for path in ["/create_order", "/orders", "/update_order"] {
            let response = app.post(path, &body);
            assert_eq!(response.status, 400, "{what} to {path}: {}", response.summary());
            response.expect_problem(400, "invalid-json");
        }
        assert_still_serves(&app, what);
    }
}

#[test]
fn invalid_json_in_a_batch_is_400_and_the_service_keeps_serving() {
    let app = spawn_with_order();
    for (what, body) in invalid_json() {
        let batch = [b"[", order(3).as_bytes(), b",", &body, b"]"].concat();
        // Each of these bodies is invalid inside an array, too.
        let response = app.post("/create_orders", &batch);
        assert_eq!(response.status, 400, "{what}: {}", response.summary());
        response.expect_problem(400, "invalid-json");
        assert_still_serves(&app, what);
    }
}

#[test]
fn json_that_is_not_an_order_is_400_and_the_service_keeps_serving() {
    let app = spawn_with_order();
    for (what, body) in not_an_order() {
        for path in ["/create_order", "/orders"] {
            let response = app.post(path, &body);
            assert_eq!(response.status, 400, "{what} to {path}: {}", response.summary());
            let slug = if response.text().contains("problem:invalid-json") { "invalid-json" } else { "invalid-order" };
            response.expect_problem(400, slug);
        }
        assert_still_serves(&app, what);
    }
}

#[test]
fn json_that_is_not_a_batch_is_400_and_the_service_keeps_serving() {
    let app = spawn_with_order();
    let batches = [
        ("one order", order(2)),
        ("null", "null".to_owned()),
        ("a string", "\"[]\"".to_owned()),
        ("an array of arrays", format!("[{}]", orders([2]))),
        ("an array with null", format!("[{},null]", order(2))),
        ("an array with a number", format!("[{},7]", order(2))),
        ("an array not closed", format!("[{}", order(2))),
        ("an array closed twice", format!("[{}]]", order(2))),
        ("an array with a trailing comma", format!("[{},]", order(2))),
        ("an array that begins with a comma", format!("[,{}]", order(2))),
        ("an array without commas", format!("[{} {}]", order(2), order(3))),
        ("two arrays", format!("{}{}", orders([2]), orders([3]))),
        ("1,000,000 levels", "[".repeat(1_000_000)),
        ("orders and something behind the array", format!("{} x", orders(2..500))),
    ];
    for (what, body) in batches {
        let response = app.post("/create_orders", &body);
        assert_eq!(response.status, 400, "{what}: {}", response.summary());
        let slug = if response.text().contains("problem:invalid-json") { "invalid-json" } else { "invalid-order" };
        response.expect_problem(400, slug);
        assert_still_serves(&app, what);
    }
}
