//! hyper_wasi's server and reqwest_wasi's client, both with default settings.
//!
//! With the published crate each response and each POST on a kept connection takes 44 ms: head and body are two writes,
//! and the second one waits for the acknowledgement of the first.

use std::time::{Duration, Instant};

use e2e::Guest;

/// Half the time of a delayed acknowledgement, and several times the time of a message without one.
const MAX_MEDIAN: Duration = Duration::from_millis(20);

const REQUESTS: usize = 60;

fn median(mut took: Vec<Duration>) -> Duration {
    assert_eq!(took.len(), REQUESTS);
    took.sort();
    took.get(REQUESTS / 2).copied().expect("a middle")
}

#[test]
fn responses_of_hypers_default_server_do_not_wait_for_acknowledgements() {
    let _alone = e2e::run_alone();
    let server = Guest::serve();
    let mut kept = server.connect();
    let took = (0..REQUESTS).map(|_| {
        let asked = Instant::now();
        kept.send("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 5\r\n\r\nhello");
        assert_eq!(kept.expect_response().text(), "hello");
        asked.elapsed()
    });
    let median = median(took.collect());
    println!("{median:?} a response");
    assert!(median <= MAX_MEDIAN, "{median:?} a response");
}

#[test]
fn posts_of_reqwests_default_client_do_not_wait_for_acknowledgements() {
    let _alone = e2e::run_alone();
    let server = Guest::serve();
    let client = Guest::post(&server, REQUESTS);
    let status = client.process().wait(Duration::from_secs(60)).expect("it ends");
    let log = client.process().log();
    assert!(status.success(), "{status}: {log}");
    let took = log.lines().map(|line| Duration::from_micros(line.parse().expect("a number")));
    let median = median(took.collect());
    println!("{median:?} a POST");
    assert!(median <= MAX_MEDIAN, "{median:?} a POST");
}
