//! File descriptors: clients cannot take those that the database and the operator need.

use std::time::Duration;

use e2e::{Client, RawConnection, TestApp, order};
use testkit::ports;

#[test]
fn idle_clients_leave_descriptors_for_the_database_and_the_operator() {
    let port = ports::free().expect("a free port");
    let admin = format!("127.0.0.1:{port}");
    // Enough for 200 connections at the very most.
    let limit = ["sh", "-c", "ulimit -n 200 && exec \"$@\"", "sh"];
    let app = TestApp::setup().wrapper(&limit).env(&[("ADMIN_ADDR", &admin)]).start();
    let honest = app.new_client();
    honest.get("/health").expect(200);
    app.sql("SELECT 1");
    let mut idle: Vec<RawConnection> = (0..230).map(|_| app.connect()).collect();
    // The connections over the limit get a response at once, or are closed if they are many.
    let is_rejected = |connection: &mut RawConnection| {
        let head = connection.read_until(b"\r\n\r\n", Duration::from_millis(50));
        head.is_some_and(|head| head.starts_with(b"HTTP/1.1 503"))
    };
    assert!(idle[100..].iter_mut().any(is_rejected), "no connection got a response");
    std::thread::scope(|scope| {
        let clients: Vec<_> = (1..=8)
            .map(|id| {
                let honest = &honest;
                scope.spawn(move || honest.post("/create_order", order(id)).status)
            })
            .collect();
        // They share what connections they have; the database's are opened meanwhile.
        let statuses: Vec<u16> = clients.into_iter().map(|client| client.join().expect("a client")).collect();
        assert!(statuses.contains(&200), "{statuses:?}");
    });
    let operator = Client::operators(&format!("http://{admin}"));
    for _ in 0..3 {
        operator.get("/ready").expect(200);
    }
    drop(idle);
    e2e::wait_until("a new connection to be served", || {
        app.new_client().try_send("GET", "/health", &[], None).is_ok_and(|response| response.status == 200)
    });
}
