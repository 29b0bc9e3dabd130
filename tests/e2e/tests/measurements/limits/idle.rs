//! The CPU time of an idle service.

use std::time::Duration;

use e2e::{RawConnection, TestApp, order};

#[test]
fn an_idle_service_uses_almost_no_cpu_time() {
    let _alone = e2e::run_alone();
    let app = TestApp::spawn();
    app.post("/create_order", order(1)).expect_done();
    let idle: Vec<RawConnection> = (0..100).map(|_| app.connect()).collect();
    app.get("/orders/1").expect(200);
    // The best of three: the start and the new connections may still use CPU time in the first second.
    let least = (0..3).map(|_| app.cpu_time_during(Duration::from_secs(1))).min().unwrap();
    assert!(least <= Duration::from_millis(30), "{least:?} of processor time in a second without a request");
    drop(idle);
}
