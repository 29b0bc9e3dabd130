//! What is decoded, what is rejected, and with which errors.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;

const VALID: &str =
    r#"{"order_id":1,"product_id":12,"quantity":2,"amount":56.0,"shipping":15,"tax":0.1,"shipping_address":"1 Quay"}"#;

/// The wrong fields and their errors.
fn field_errors(json: &str) -> Vec<(String, String)> {
    match decode_draft(json.as_bytes()) {
        Err(DecodeError::Fields(errors)) => errors.into_iter().map(|error| (error.field, error.detail)).collect(),
        other => panic!("{json}: {other:?}"),
    }
}

#[test]
fn a_valid_order_is_decoded_and_encoded_in_full() {
    let order = decode_draft(VALID.as_bytes()).unwrap().into_order().unwrap();
    assert_eq!(
        String::from_utf8(order.to_json()).unwrap(),
        r#"{"order_id":1,"product_id":12,"quantity":2,"amount":56.00,"shipping":15.00,"tax":0.10,"shipping_address":"1 Quay"}"#
    );
}

#[test]
fn a_wrong_field_is_named() {
    for (valid, wrong, field) in [
        ("\"order_id\":1", "\"order_id\":0", "order_id"),
        ("\"order_id\":1", "\"order_id\":null", "order_id"),
        ("\"product_id\":12", "\"product_id\":-1", "product_id"),
        ("\"quantity\":2", "\"quantity\":2.5", "quantity"),
        ("\"amount\":56.0", "\"amount\":\"56.0\"", "amount"),
        ("\"amount\":56.0", "\"amount\":null", "amount"),
        ("\"shipping\":15", "\"shipping\":1e400", "shipping"),
        ("\"tax\":0.1", "\"tax\":0.001", "tax"),
        ("\"1 Quay\"", "\"\"", "shipping_address"),
        ("\"1 Quay\"", "7", "shipping_address"),
    ] {
        assert_eq!(field_errors(&VALID.replace(valid, wrong))[0].0, field, "{wrong}");
    }
}

#[test]
fn unknown_missing_and_repeated_fields_are_all_reported() {
    let errors = field_errors(r#"{"colour":"red","quantity":1,"quantity":2,"tax":-1}"#);
    for expected in
        [("colour", "is not a field of an order"), ("quantity", "is repeated"), ("tax", "must not be negative")]
    {
        assert!(
            errors.iter().any(|(field, detail)| (field.as_str(), detail.as_str()) == expected),
            "{expected:?}: {errors:?}"
        );
    }
    assert!(errors.contains(&("amount".into(), "is missing".into())));
}

#[test]
fn an_error_in_a_batch_names_the_item_and_errors_are_bounded() {
    let wrong = VALID.replace("\"quantity\":2", "\"quantity\":0");
    match decode_batch(format!("[{VALID},{wrong}]").as_bytes(), 10) {
        Err(DecodeError::Fields(errors)) => assert_eq!(errors[0].field, "[1].quantity"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(decode_batch(format!("[{VALID},{VALID}]").as_bytes(), 1), Err(DecodeError::Shape(_))));
    assert_eq!(decode_batch(format!("[{VALID},{VALID}]").as_bytes(), 2).unwrap().len(), 2);
    assert_eq!(decode_batch(b"[]", 2).unwrap(), vec![]);
    let many = vec![wrong; 100].join(",");
    assert!(
        matches!(decode_batch(format!("[{many}]").as_bytes(), 1000), Err(DecodeError::Fields(f)) if f.len() == MAX_FIELD_ERRORS)
    );
}

#[test]
fn text_that_is_not_json_and_json_that_is_not_an_order_differ() {
    for json in ["", "{", "{\"a\":}", "{\"a\" 1}", "nope", "{} {}", "\u{feff}{}"] {
        assert!(matches!(decode_draft(json.as_bytes()), Err(DecodeError::Syntax(_))), "{json}");
    }
    for json in ["1", "null", "[]", "[1,", "\"x\"", "true"] {
        assert!(matches!(decode_draft(json.as_bytes()), Err(DecodeError::Shape(_))), "{json}");
    }
    assert!(matches!(decode_batch(VALID.as_bytes(), 1), Err(DecodeError::Shape(_))));
    assert!(matches!(decode_draft(b"{\"order_id\":\xff}"), Err(DecodeError::Syntax(_))));
    let deep = format!("{{\"order_id\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(decode_draft(deep.as_bytes()).is_err());
}

#[test]
fn the_error_does_not_grow_with_the_text() {
    let long = format!("\"{}\"", "\u{300}".repeat(100_000));
    for json in [long.clone(), format!("[{long}]"), format!("{{\"{}\":1}}", "x".repeat(100_000)), "9".repeat(100_000)] {
        for error in [decode_draft(json.as_bytes()).unwrap_err(), decode_batch(json.as_bytes(), 3).unwrap_err()] {
            assert!(format!("{error:?}").len() < 2_000, "{}", format!("{error:?}").len());
        }
    }
}

/// What one read of the parser has at most, with the default MAX_HEADER_BYTES
/// (docs/decisions/0016-batches-are-decoded-as-they-arrive.md).
#[cfg(not(target_family = "wasm"))]
const PIECE_BYTES: usize = 24 * 1024;

/// The CPU time of this thread: other processes do not count.
#[cfg(not(target_family = "wasm"))]
fn thread_time() -> std::time::Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    std::time::Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// The longest time that one piece of a batch takes. The best of three attempts counts: caches may be cold.
#[cfg(not(target_family = "wasm"))]
fn max_time_of_a_piece(batch: &str) -> std::time::Duration {
    let mut times = vec![std::time::Duration::MAX; batch.len().div_ceil(PIECE_BYTES)];
    for _ in 0..3 {
        let mut decoder = BatchDecoder::new(100_000, 64 * 1024);
        for (piece, time) in batch.as_bytes().chunks(PIECE_BYTES).zip(&mut times) {
            let started = thread_time();
            let result = decoder.push(piece);
            *time = (thread_time() - started).min(*time);
            if result.is_err() {
                break;
            }
        }
    }
    times.into_iter().filter(|time| *time != std::time::Duration::MAX).max().unwrap()
}

/// While a piece is decoded the service does nothing else: no client may make that long. The aim is 20 ms; an
/// unoptimised build takes several times as long as compiled WebAssembly, and machines differ.
#[test]
#[cfg(not(target_family = "wasm"))]
fn no_piece_of_a_batch_takes_long() {
    let item = |address: &str| VALID.replace("1 Quay", address);
    let long = "x".repeat(60_000);
    let field = |name: &str, value: &str| format!("{{\"{name}\":{value}}}");
    let max = std::time::Duration::from_millis(if cfg!(debug_assertions) { 100 } else { 20 });
    let batches = [
        ("short orders", vec![VALID.to_owned(); 600]),
        ("empty objects", vec!["{}".to_owned(); 20_000]),
        ("longest addresses", vec![item(&"\\ud83c\\udfe0".repeat(255)); 100]),
        ("long addresses", vec![item(&"\\u00e9".repeat(10_000)); 6]),
        ("long names", vec![field(&long, "1"); 6]),
        ("long numbers", vec![field("amount", &"9".repeat(60_000)); 6]),
        ("long exponents", vec![field("amount", &format!("1e{}", "9".repeat(60_000))); 6]),
        ("repeated fields", vec![format!("{{{}\"tax\":1}}", "\"tax\":1,".repeat(7_000)); 6]),
        ("unknown fields", vec![format!("{{{}\"a\":1}}", "\"a\":1,".repeat(8_000)); 6]),
        ("deep arrays", vec![field("tax", &format!("{}{}", "[".repeat(30_000), "]".repeat(30_000))); 6]),
        ("a wrong order after many", [vec![VALID.to_owned(); 30_000], vec!["{}".to_owned()]].concat()),
    ];
    for (name, items) in batches {
        let time = max_time_of_a_piece(&format!("[{}]", items.join(",")));
        assert!(time < max, "{name}: {time:?}");
    }
}

proptest! {
    #[test]
    fn any_valid_order_is_the_same_after_encoding_and_decoding(
        id in 1..=u32::MAX, product in 1..=u32::MAX, quantity in 1..=u32::MAX,
        cents in prop::array::uniform3(0..=999_999_999_999_u64), address in "[^\\p{C}\\s]\\PC{0,254}",
    ) {
        let money = |cents: u64| format!("{}.{:02}", cents / 100, cents % 100);
        let json = format!(
            r#"{{"order_id":{id},"product_id":{product},"quantity":{quantity},"amount":{},"shipping":{},"tax":{},"shipping_address":{}}}"#,
            money(cents[0]), money(cents[1]), money(cents[2]), serde_json::to_string(&address).unwrap(),
        );
        let order = decode_draft(json.as_bytes()).unwrap().into_order().unwrap();
        prop_assert_eq!(String::from_utf8(order.to_json()).unwrap(), json);
    }

    #[test]
    fn no_bytes_cause_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_draft(&bytes);
        let _ = decode_batch(&bytes, 3);
    }
}
