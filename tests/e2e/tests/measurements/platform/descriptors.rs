//! A service without free file descriptors.

use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use e2e::{RawConnection, TestApp, wait_for};

/// Limits the number of the service's descriptors.
fn limit_descriptors(app: &TestApp, descriptors: u64) {
    let pid = Pid::from_raw(i32::try_from(app.service().pid()).expect("a pid"));
    let limit = Rlimit { current: Some(descriptors), maximum: Some(descriptors) };
    prlimit(pid, Resource::Nofile, limit).expect("the limit is set");
}

#[test]
fn without_free_descriptors_the_service_waits_without_spinning_and_recovers() {
    let _alone = e2e::run_alone();
    let app = TestApp::spawn();
    app.get("/orders").expect(200);
    let mut kept = app.connect();
    kept.send("GET /health HTTP/1.1\r\nhost: test\r\n\r\n").response().expect("a response");
    limit_descriptors(&app, app.service().open_fds().expect("descriptors") as u64 + 8);

    let idle: Vec<RawConnection> = (0..40).map(|_| app.connect()).collect();
    wait_for("the service to report that it has no descriptor left", || {
        app.service().log().contains("no connection can be accepted").then_some(())
    });
    let spent = app.cpu_time_during(Duration::from_secs(2));
    assert!(spent < Duration::from_millis(300), "{spent:?} of processor time in two seconds of waiting");
    for _ in 0..10 {
        kept.send("GET /orders HTTP/1.1\r\nhost: test\r\n\r\n");
        assert_eq!(kept.response().expect("who is connected is served").status, 200);
    }

    drop(idle);
    wait_for("new connections to be served again", || {
        let mut connection = app.connect();
        connection.send("GET /health HTTP/1.1\r\nhost: test\r\n\r\n");
        connection.response().filter(|response| response.status == 200)
    });
    assert!(app.service().is_running());
}
