//! The connection to the database ends at any point: in the greeting, the login, a statement, its response, a row.

use testkit::{Action, Direction, Fault};

use crate::database::{expect_database_problem, wait_until_serving, with_short_timeouts, within_deadline};
use e2e::{TestApp, order, orders, with};

/// Cuts the service's next connection to the database after `bytes` bytes.
fn cut_next_connection(app: &TestApp, direction: Direction, bytes: u64, action: Action) {
    app.proxy().set(Fault::Pass).unwrap();
    app.proxy().drop_connections();
    app.proxy().set_once(Fault::cut_after(direction, bytes, action)).unwrap();
}

/// Positions of the cut: dense in the greeting and the login, sparse after them.
fn cut_positions() -> impl Iterator<Item = u64> {
    (0..300).step_by(37).chain((300..3_000).step_by(211))
}

fn cut_everywhere(action: Action) {
    let app = with_short_timeouts().start();
    app.post("/create_orders", orders(1..=10)).expect_done();
    let mut id = 1_000;
    for direction in [Direction::ToServer, Direction::ToClient] {
        for bytes in cut_positions() {
            let what = format!("cut {direction:?} after {bytes} bytes ({action:?})");
            id += 1;
            cut_next_connection(&app, direction, bytes, action);
            let response = within_deadline(&what, || app.post("/create_order", order(id)));
            // 200 after a cut is a correct retry: nothing had been written, or the cut followed the response.
            let certain = response.status == 200 || expect_database_problem(&what, &response) != "outcome-unknown";
            app.proxy().set(Fault::Pass).unwrap();
            if certain {
                assert_eq!(app.has_order(id), response.status == 200, "{what}: {}", response.summary());
            }

            cut_next_connection(&app, direction, bytes, action);
            let response = within_deadline(&what, || app.get("/orders/1"));
            if response.status == 200 {
                assert_eq!(response.text().trim(), order(1), "{what}");
            } else {
                assert_ne!(
                    expect_database_problem(&what, &response),
                    "outcome-unknown",
                    "{what}: nothing was to be written"
                );
            }
        }
    }
    app.proxy().set(Fault::Pass).unwrap();
    wait_until_serving(&app);
}

#[test]
fn a_connection_reset_at_any_byte_leaves_a_known_state_and_no_hanging_request() {
    cut_everywhere(Action::Reset);
}

#[test]
fn a_connection_closed_at_any_byte_leaves_a_known_state_and_no_hanging_request() {
    cut_everywhere(Action::Close);
}

#[test]
fn a_connection_that_falls_silent_at_any_byte_leaves_no_hanging_request() {
    let app = with_short_timeouts().start();
    app.post("/create_order", order(1)).expect_done();
    for direction in [Direction::ToServer, Direction::ToClient] {
        for (id, bytes) in (100..).zip([0, 50, 120, 300, 500, 700, 900]) {
            let what = format!("silent {direction:?} after {bytes} bytes");
            cut_next_connection(&app, direction, bytes, Action::BlackHole);
            let id = id + if direction == Direction::ToClient { 100 } else { 0 };
            let response = within_deadline(&what, || app.post("/create_order", order(id)));
            if response.status != 200 {
                expect_database_problem(&what, &response);
            }
            app.get("/health").expect(200);
        }
    }
    app.proxy().set(Fault::Pass).unwrap();
    wait_until_serving(&app);
}

#[test]
fn a_stream_that_loses_its_database_ends_as_incomplete() {
    let app = with_short_timeouts().start();
    // Directly in the database: the service's timeouts are too short for this.
    app.sql(
        "SET SESSION max_recursive_iterations = 20000; \
         INSERT INTO orders WITH RECURSIVE seq (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM seq WHERE n < 20000) \
         SELECT n, 12, 2, 56, 15, 2, CONCAT(n, ' Harbour Lane') FROM seq",
    );
    for bytes in [200_000, 600_000] {
        cut_next_connection(&app, Direction::ToClient, bytes, Action::Reset);
        // The status was sent before the cut. The client sees an incomplete response, or a complete one after a retry.
        match app.try_send("GET", "/orders", &[], None) {
            Err(_) => {}
            Ok(response) if response.status == 200 => assert_eq!(response.text().trim(), orders(1..=20_000)),
            Ok(response) => {
                expect_database_problem("GET /orders", &response);
            }
        }
        assert!(app.proxy().triggered() > 0, "the cut happened");
        app.proxy().set(Fault::Pass).unwrap();
        wait_until_serving(&app);
    }
}

#[test]
fn a_batch_cut_off_in_its_middle_is_written_completely_or_not_at_all() {
    let app = with_short_timeouts().start();
    let whole = 3_000;
    for (round, bytes) in (1..).zip([2_000, 20_000, 60_000, 100_000]) {
        cut_next_connection(&app, Direction::ToServer, bytes, Action::Reset);
        let first = round * 10_000;
        let response = within_deadline("a batch", || app.post("/create_orders", orders(first..first + whole)));
        app.proxy().set(Fault::Pass).unwrap();
        let stored: u32 = app.sql(&format!("SELECT COUNT(*) FROM orders WHERE order_id >= {first}")).parse().unwrap();
        if response.status == 200 {
            assert_eq!(stored, whole, "cut after {bytes}");
        } else if expect_database_problem("a batch", &response) == "outcome-unknown" {
            assert!(stored == 0 || stored == whole, "cut after {bytes}: {stored} of {whole}");
        } else {
            assert_eq!(stored, 0, "cut after {bytes}: refused and written");
        }
    }
    app.post("/create_order", with(1, "quantity", Some("1"))).expect_done();
}
