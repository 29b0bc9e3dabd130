//! Orders are unchanged on the way from JSON through the service and the table back to JSON.

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use e2e::{Order, TestApp};

/// The maximum amount in cents.
const MAX_CENTS: u64 = 999_999_999_999;

/// An amount as a client may write it, and its value in cents.
#[derive(Debug, Clone)]
struct Amount {
    cents: u64,
    text: String,
}

/// An order as a client may write it.
#[derive(Debug, Clone)]
struct Draft {
    product_id: u32,
    quantity: u32,
    amount: Amount,
    shipping: Amount,
    tax: Amount,
    address: String,
}

impl Draft {
    fn json(&self, id: u32) -> String {
        format!(
            r#"{{"order_id":{id},"product_id":{},"quantity":{},"amount":{},"shipping":{},"tax":{},"shipping_address":{}}}"#,
            self.product_id,
            self.quantity,
            self.amount.text,
            self.shipping.text,
            self.tax.text,
            serde_json::to_string(&self.address).expect("a string"),
        )
    }

    #[track_caller]
    fn check(&self, stored: &Order) {
        let numbers = (stored.product_id, stored.quantity);
        assert_eq!(numbers, (self.product_id, self.quantity));
        assert_eq!(stored.amount(), canonical(self.amount.cents), "sent as {}", self.amount.text);
        assert_eq!(stored.shipping(), canonical(self.shipping.cents), "sent as {}", self.shipping.text);
        assert_eq!(stored.tax(), canonical(self.tax.cents), "sent as {}", self.tax.text);
        assert_eq!(stored.shipping_address, self.address);
    }
}

/// The notation of the service.
fn canonical(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// The same amount in different JSON notations.
fn write(cents: u64, style: u8, shift: u8) -> String {
    let (whole, part) = (cents / 100, cents % 100);
    match style {
        0 => canonical(cents),
        1 if part == 0 => whole.to_string(),
        2 if part % 10 == 0 => format!("{whole}.{}", part / 10),
        3 => format!("{cents}e-2"),
        4 => format!("{cents}E-02"),
        5 if cents > 0 => format!("{}{}e-{}", cents, "0".repeat(shift.into()), u32::from(shift) + 2),
        6 => format!("{}000", canonical(cents)),
        7 if part == 0 => format!("{whole}.0e+0"),
        8 => {
            // All digits after the decimal point: 0.<12 digits>e10.
            format!("0.{cents:012}e10")
        }
        _ => canonical(cents),
    }
}

fn money() -> impl Strategy<Value = Amount> {
    let cents = prop_oneof![
        4 => 0..=MAX_CENTS,
        3 => 0..=100_000_u64,
        1 => (0..=MAX_CENTS / 100).prop_map(|whole| whole * 100),
        1 => prop::sample::select(vec![0, 1, 10, 99, 100, MAX_CENTS, MAX_CENTS - 1, 9_007_199_254_740_993 % MAX_CENTS]),
    ];
    (cents, 0..9_u8, 0..20_u8).prop_map(|(cents, style, shift)| Amount { cents, text: write(cents, style, shift) })
}

fn address() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        6 => prop::char::range(' ', '~'),
        2 => any::<char>().prop_filter("no control character", |c| !c.is_control()),
        1 => prop::sample::select(vec!['"', '\\', '/', '\'', '\u{2028}', '\u{feff}', '\u{10ffff}', '\u{fffd}', 'ß', '%', '_']),
    ];
    prop::collection::vec(character, 1..=255)
        .prop_map(|characters| characters.into_iter().collect::<String>())
        .prop_filter("not only white space", |text| !text.trim().is_empty())
}

fn positive_number() -> impl Strategy<Value = u32> {
    prop_oneof![Just(1), Just(u32::MAX), 1..=1_000_u32, 1..=u32::MAX]
}

fn draft() -> impl Strategy<Value = Draft> {
    (positive_number(), positive_number(), money(), money(), money(), address()).prop_map(
        |(product_id, quantity, amount, shipping, tax, address)| Draft {
            product_id,
            quantity,
            amount,
            shipping,
            tax,
            address,
        },
    )
}

/// Checks a property; a failure reports the smallest failing input.
fn check_property<S: Strategy>(cases: u32, strategy: &S, property: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = Config { cases, max_shrink_iters: 200, failure_persistence: None, ..Config::default() };
    TestRunner::new(config).run(strategy, property).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn any_valid_batch_is_unchanged_and_its_sums_are_exact() {
    let app = TestApp::spawn();
    check_property(40, &prop::collection::vec(draft(), 1..60), |drafts| {
        app.sql("DELETE FROM orders");
        let bodies: Vec<String> = (1..).zip(&drafts).map(|(id, draft)| draft.json(id)).collect();
        app.post("/create_orders", format!("[{}]", bodies.join(","))).expect_done();
        let stored = Order::read_all(&app.get("/orders").expect(200).text());
        assert_eq!(stored.len(), drafts.len());
        for (draft, order) in drafts.iter().zip(&stored) {
            draft.check(order);
        }
        // The database sums the stored amounts, and the test sums the amounts that it sent.
        let total = |field: fn(&Draft) -> u64| -> String {
            let cents: u64 = drafts.iter().map(field).sum();
            canonical(cents)
        };
        let sums = app.sql("SELECT SUM(amount), SUM(shipping), SUM(tax), SUM(amount + shipping + tax) FROM orders");
        let mut expected = String::new();
        for sum in [total(|d| d.amount.cents), total(|d| d.shipping.cents), total(|d| d.tax.cents)] {
            let _ = write!(expected, "{sum}\t");
        }
        expected.push_str(&total(|d| d.amount.cents + d.shipping.cents + d.tax.cents));
        assert_eq!(sums, expected);
        Ok(())
    });
}

#[test]
fn any_valid_order_is_unchanged_through_every_endpoint() {
    let app = TestApp::spawn();
    let numbers = std::sync::atomic::AtomicU32::new(1);
    check_property(60, &(draft(), draft()), |(first, second)| {
        let id = numbers.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = format!("/orders/{id}");
        let created = app.post("/orders", first.json(id)).expect(201);
        first.check(&Order::read(&created.text()));
        first.check(&Order::read(&app.get(&path).expect(200).text()));
        second.check(&Order::read(&app.put(&path, second.json(id)).expect(200).text()));
        second.check(&Order::read(&app.get(&path).expect(200).text()));
        app.post("/update_order", first.json(id)).expect_done();
        let page = app.get(&format!("/orders?limit=1&after={}", id - 1)).expect(200);
        first.check(&Order::read_all(&page.text())[0]);
        // A response sent as a request yields the same response.
        let out = app.get(&path).expect(200).text();
        assert_eq!(app.put(&path, &out).expect(200).text(), out);
        Ok(())
    });
}
