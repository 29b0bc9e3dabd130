//! `docker pause` and `unpause`: all the container's processes frozen at once, wherever they are.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Docker, agent, docker, order_ids};

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

/// Creates orders until told to stop, each answer whole and right: the ids.
fn write(stop: &AtomicBool) -> Vec<u64> {
    let (agent, mut ids) = (agent(), Vec::new());
    let order = r#"{"product_id":7,"quantity":1,"amount":19.99,"shipping":0,"tax":1.6,"shipping_address":"1 Quay"}"#;
    while !stop.load(Ordering::Relaxed) {
        let mut reply = agent.post(ORDERS).header("Content-Type", "application/json").send(order).expect("an answer");
        assert_eq!(reply.status(), 201);
        let body: Value = serde_json::from_str(&reply.body_mut().read_to_string().expect("a body")).expect("JSON");
        ids.push(body["order_id"].as_u64().expect("an id"));
    }
    ids
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

    let stop = AtomicBool::new(false);
    let mut written: Vec<u64> = thread::scope(|scope| {
        let writers: Vec<_> = (0..4).map(|_| scope.spawn(|| write(&stop))).collect();
        pause(&docker, &container, 50);
        stop.store(true, Ordering::Relaxed);
        writers.into_iter().flat_map(|writer| writer.join().expect("a writer")).collect()
    });
    written.sort_unstable();
    assert!(written.len() > 50, "only {} orders were written: the pauses met no work", written.len());
    assert_eq!(order_ids(&docker), written, "acknowledged and there are not the same");
    let state = docker.inspect(&container)["State"].clone();
    assert_eq!(state["StartedAt"], started, "it was started again: {state}");
}
