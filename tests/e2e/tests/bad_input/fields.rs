//! Orders with one invalid field, which the response names.

use super::{assert_still_serves, spawn_with_order};
use e2e::{order, with};

/// JSON that is neither an id nor a quantity.
const INVALID_WHOLE_NUMBERS: [&str; 16] = [
    "0",
    "-1",
    "1.5",
    "-0",
    "\"1\"",
    "\"\"",
    "null",
    "true",
    "[1]",
    "{}",
    "4294967296",
    "18446744073709551616",
    "99999999999999999999999999999999",
    "1e400",
    "-1e400",
    "0.1",
];

/// JSON that is not an amount of money.
const INVALID_AMOUNTS: [&str; 24] = [
    "0.001",
    "56.005",
    "1e-3",
    "0.00000000000000000000000001",
    "-1",
    "-0.01",
    "-1e400",
    "1e400",
    "1e999999999999999999999",
    "1e-999999999999999999999",
    "1E10",
    "10000000000",
    "10000000000.00",
    "9999999999.991",
    "123456789012345678901234567890",
    "\"56.00\"",
    "\"\"",
    "null",
    "true",
    "false",
    "[56.00]",
    "{}",
    "{\"$serde_json::private::Number\":\"56.00\"}",
    "1.001e0",
];

/// JSON that is not a shipping address.
fn invalid_addresses() -> Vec<String> {
    let mut all: Vec<String> = [
        "\"\"",
        "\" \"",
        r#""\t""#,
        "\"\u{3000}\u{a0} \"",
        r#""a\u0000b""#,
        r#""a\nb""#,
        r#""\u001b[31m""#,
        "\"a\u{7f}\"",
        "\"a\u{85}b\"",
        "null",
        "12",
        "true",
        "[\"a\"]",
        "{}",
        // Valid JSON grammar, but not Unicode: half a surrogate pair, and a reversed one.
        r#""\ud800""#,
        r#""\udc00\ud800""#,
    ]
    .map(str::to_owned)
    .to_vec();
    all.push(format!("\"{}\"", "x".repeat(256)));
    all.push(format!("\"{}\"", "ä".repeat(256)));
    all.push(format!("\"{}\"", "x".repeat(60_000)));
    all
}

/// Sends an invalid value of a field to every endpoint that takes an order.
#[track_caller]
fn assert_rejected(app: &e2e::TestApp, field: &str, json: Option<&str>) {
    let shown: String = json.unwrap_or("(left out)").chars().take(40).collect();
    let wrong = with(2, field, json);
    let update = with(1, field, json);
    let batch = format!("[{},{wrong}]", order(3));
    let calls = [
        ("POST", "/create_order", wrong.as_str(), ""),
        ("POST", "/orders", wrong.as_str(), ""),
        ("POST", "/create_orders", batch.as_str(), "[1]."),
        ("POST", "/update_order", update.as_str(), ""),
        ("PUT", "/orders/1", update.as_str(), ""),
    ];
    for (method, path, body, prefix) in calls {
        let optional = field == "order_id" && json.is_none() && matches!(path, "/orders" | "/orders/1");
        if optional {
            continue;
        }
        let response = app.send(method, path, &[("content-type", "application/json")], Some(body.as_bytes()));
        assert_eq!(response.status, 400, "{field} = {shown} to {method} {path}: {}", response.summary());
        let problem = response.expect_problem(400, "invalid-order");
        let name = format!("{prefix}{field}");
        assert!(problem.has_error_for(&name), "{name} = {shown} is not blamed by {method} {path}: {problem:?}");
        assert_eq!(problem.fields(), [name.as_str()], "{field} = {shown}: only that is wrong");
    }
    assert_still_serves(app, &format!("{field} = {shown}"));
}

#[test]
fn invalid_ids_and_quantities_are_rejected_by_field_name() {
    let app = spawn_with_order();
    for field in ["order_id", "product_id", "quantity"] {
        for json in INVALID_WHOLE_NUMBERS {
            assert_rejected(&app, field, Some(json));
        }
    }
}

#[test]
fn invalid_amounts_are_rejected_by_field_name() {
    let app = spawn_with_order();
    for json in INVALID_AMOUNTS {
        assert_rejected(&app, "amount", Some(json));
    }
    for field in ["shipping", "tax"] {
        for json in ["0.001", "-1", "1e400", "\"1\"", "null", "10000000000"] {
            assert_rejected(&app, field, Some(json));
        }
    }
}

#[test]
fn invalid_addresses_are_rejected_by_field_name() {
    let app = spawn_with_order();
    for json in invalid_addresses() {
        assert_rejected(&app, "shipping_address", Some(&json));
    }
}

#[test]
fn missing_fields_are_rejected_by_name() {
    let app = spawn_with_order();
    for field in ["order_id", "product_id", "quantity", "amount", "shipping", "tax", "shipping_address"] {
        assert_rejected(&app, field, None);
    }
}

#[test]
fn unknown_and_repeated_fields_are_rejected_by_name() {
    let app = spawn_with_order();
    let added = [
        ("colour", r#""colour":"red""#),
        ("Amount", r#""Amount":1.00"#),
        ("order-id", r#""order-id":1"#),
        ("", r#""":1"#),
        ("amount ", r#""amount ":1.00"#),
        ("__proto__", r#""__proto__":{}"#),
        ("amount", r#""amount":56.00"#),
        ("amount", "\"\\u0061mount\":57.00"),
        ("order_id", r#""order_id":3"#),
        ("shipping_address", r#""shipping_address":"elsewhere""#),
    ];
    for (field, json) in added {
        let body = order(2).replace('}', &format!(",{json}}}"));
        for path in ["/create_order", "/orders", "/update_order"] {
            let problem = app.post(path, &body).expect_problem(400, "invalid-order");
            assert!(problem.has_error_for(field), "{json} to {path}: {problem:?}");
        }
        let batch = format!("[{},{},{body}]", order(4), order(5));
        let problem = app.post("/create_orders", batch).expect_problem(400, "invalid-order");
        assert!(problem.has_error_for(&format!("[2].{field}")), "{json} in a batch: {problem:?}");
        assert_still_serves(&app, json);
    }
}

#[test]
fn a_long_name_of_an_unknown_field_is_not_repeated_in_full() {
    let app = spawn_with_order();
    let body = order(2).replace('}', &format!(",\"{}\":1}}", "n".repeat(50_000)));
    let response = app.post("/create_order", body);
    response.expect_problem(400, "invalid-order");
    assert!(response.body.len() < 4_096, "the response has {} bytes", response.body.len());
    assert_still_serves(&app, "a long field name");
}

#[test]
fn a_batch_full_of_errors_gets_a_response_of_bounded_size() {
    let app = spawn_with_order();
    let wrong: Vec<String> = (1..20_000).map(|id| with(id, "quantity", Some("0"))).collect();
    let response = app.post("/create_orders", format!("[{}]", wrong.join(",")));
    let problem = response.expect_problem(400, "invalid-order");
    assert!(problem.has_error_for("[0].quantity"), "{problem:?}");
    assert!(response.body.len() < 64 * 1024, "the response has {} bytes", response.body.len());
    assert_still_serves(&app, "a batch full of errors");
}
