//! hyper_wasi's server and reqwest_wasi's client, both with default settings.
//!
//! With the published crate each message on a kept connection takes 44 ms, an answer as well as a POST: head and body leave in two writes,
//! and the second waits for the acknowledgement of the first.

use std::time::{Duration, Instant};

use e2e::Guest;

/// Half of what one wait for a delayed acknowledgement takes, and some times what a message takes without.
const BOUND: Duration = Duration::from_millis(20);

const TIMES: usize = 60;

fn median(mut took: Vec<Duration>) -> Duration {
    assert_eq!(took.len(), TIMES);
    took.sort();
    took.get(TIMES / 2).copied().expect("a middle")
}

#[test]
fn responses_of_hypers_default_server_do_not_wait_for_acknowledgements() {
    let _alone = e2e::run_alone();
    let server = Guest::serve();
    let mut kept = server.connect();
    let took = (0..TIMES).map(|_| {
        let asked = Instant::now();
        kept.send("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 5\r\n\r\nhello");
        assert_eq!(kept.expect_response().text(), "hello");
        asked.elapsed()
    });
    let median = median(took.collect());
    println!("{median:?} an answer");
    assert!(median <= BOUND, "{median:?} an answer");
}

#[test]
fn posts_of_reqwests_default_client_do_not_wait_for_acknowledgements() {
    let _alone = e2e::run_alone();
    let server = Guest::serve();
    let client = Guest::post(&server, TIMES);
    let status = client.process().wait(Duration::from_secs(60)).expect("it ends");
    let log = client.process().log();
    assert!(status.success(), "{status}: {log}");
    let took = log.lines().map(|line| Duration::from_micros(line.parse().expect("a number")));
    let median = median(took.collect());
    println!("{median:?} a POST");
    assert!(median <= BOUND, "{median:?} a POST");
}
