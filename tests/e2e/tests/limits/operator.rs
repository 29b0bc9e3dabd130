//! Clients that use up all memory for clients: the operator's listener has its own.

use e2e::{Client, RawConnection, TestApp, wait_until};
use testkit::ports;

/// A client that has sent half of an order's body, whose buffer is as large as a small one may be.
fn half_sent_order(app: &TestApp) -> RawConnection {
    let mut connection = app.connect();
    let head = "POST /orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 65536\r\n\r\n";
    let _ = connection.try_send(format!("{head}{}", " ".repeat(33 * 1024)));
    connection
}

#[test]
fn clients_that_hold_all_memory_keep_no_probe_of_the_operator_out() {
    let operator = format!("127.0.0.1:{}", ports::free().unwrap());
    let limits = [("MAX_BUFFERED_BYTES", "1MiB"), ("MAX_BODY_BYTES", "1MiB")];
    let app = TestApp::setup().env(&limits).env(&[("ADMIN_ADDR", &operator)]).start();
    let mut clients: Vec<RawConnection> = (0..235).map(|_| half_sent_order(&app)).collect();
    wait_until("the public listener to reject", || {
        clients.push(half_sent_order(&app));
        // They are slow, but never stalled.
        for client in &mut clients {
            let _ = client.try_send(" ".repeat(200));
        }
        app.new_client().get("/health").status == 503
    });
    for _ in 0..5 {
        let client = Client::operators(&format!("http://{operator}"));
        client.get("/health").expect(200);
        client.get("/ready").expect(200);
    }
}
