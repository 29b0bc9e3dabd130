//! MariaDB behind a proxy that garbles packets: the service lives on, and recovers.

use std::thread;

use testkit::Service;

use e2e::garbling_proxy::GarblingProxy;
use e2e::{Client, TestApp, order, wait_until};

/// Short timeouts: a garbled length makes the service wait for bytes that never come.
const TIMEOUTS: [(&str, &str); 3] =
    [("CONNECT_TIMEOUT", "200ms"), ("STATEMENT_TIMEOUT", "200ms"), ("REQUEST_TIMEOUT", "400ms")];

#[test]
fn thousands_of_garbled_packets_leave_a_service_that_recovers() {
    const PACKETS: usize = 3_000;
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let own = TestApp::spawn();
    for id in 1..=20 {
        own.post("/create_order", order(id)).expect_done();
    }
    let proxy = GarblingProxy::to_port(own.server().port(), seed);
    let url = own.server().url_via("127.0.0.1", proxy.port(), own.database());
    let builder = Service::builder().database_url(&url).env("POOL_MAX", "6");
    let builder = TIMEOUTS.iter().fold(builder, |builder, (name, value)| builder.env(*name, *value));
    let service = builder.start().expect("a service");
    thread::scope(|scope| {
        for client_number in 0..6 {
            let (proxy, service) = (&proxy, &service);
            scope.spawn(move || {
                let client = Client::new(&service.url(""));
                let id = 1_000 + client_number;
                while proxy.garbled() < PACKETS {
                    assert!(service.is_running(), "seed {seed}: the service has ended: {}", service.log());
                    client.get("/orders?limit=5");
                    client.get("/ready");
                    client.get("/orders/1");
                    client.post("/create_order", order(id));
                    client.delete(&format!("/orders/{id}"));
                }
            });
        }
    });
    proxy.stop_garbling();
    let client = Client::new(&service.url(""));
    wait_until("the service to be ready", || client.get("/ready").status == 200);
    client.get("/orders/20").expect(200);
    assert_eq!(own.get("/orders?limit=20").expect(200).text().matches("order_id").count(), 20);
}
