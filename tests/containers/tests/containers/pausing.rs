//! `docker pause` and `unpause`: all the container's processes frozen at once, wherever they are.

use std::thread;
use std::time::Duration;

use crate::support::{Docker, agent, docker, order_ids};
use crate::writers::{Writers, Written};

const ORDERS: &str = "http://127.0.0.1:8080/orders";

/// Freezes and thaws, at a different point of the service's work each time.
fn pause(docker: &Docker, container: &str, times: u64) {
    for round in 0..times {
        docker.cli(&["pause", container]);
        thread::sleep(Duration::from_micros(200 + round * 104_729 % 40_000));
        docker.cli(&["unpause", container]);
        thread::sleep(Duration::from_micros(500 + round * 7_919 % 12_000));
    }
}

#[test]
fn a_paused_container_goes_on_where_it_was() {
    let docker = docker();
    let project = docker.project();
    project.compose(&["up", "--detach", "--no-build"]);
    project.wait_until_ready("http://127.0.0.1:8080/ready");
    let container = project.containers("orders").remove(0);
    let started = docker.inspect(&container)["State"]["StartedAt"].clone();
    let kept = agent();
    assert_eq!(kept.get(ORDERS).call().expect("an answer before").status(), 200);
    pause(&docker, &container, 50);
    assert_eq!(kept.get(ORDERS).call().expect("an answer after").status(), 200);

    let writers = Writers::default();
    let seen: Vec<Written> = thread::scope(|scope| {
        let threads = writers.start(scope, ORDERS);
        pause(&docker, &container, 50);
        writers.stop();
        threads.into_iter().map(|thread| thread.join().expect("a writer")).collect()
    });
    let failed: Vec<&String> = seen.iter().filter_map(|writer| writer.error.as_ref()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let mut written: Vec<u64> = seen.into_iter().flat_map(|writer| writer.ids).collect();
    written.sort_unstable();
    assert!(written.len() > 50, "only {} orders were written: the pauses met no work", written.len());
    assert_eq!(order_ids(&docker), written, "acknowledged and there are not the same");
    let state = docker.inspect(&container)["State"].clone();
    assert_eq!(state["StartedAt"], started, "it was started again: {state}");
}
