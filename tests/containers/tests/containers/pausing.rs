//! `docker pause` and `docker unpause`: freezing all processes of a container at any point of their work.

use std::thread;
use std::time::Duration;

use crate::clients::{Clients, merge};
use crate::support::{Docker, SERVICE, client, docker, order_ids};

const WRITERS: usize = 4;
const PAUSES: u64 = 50;

/// Pauses and unpauses the container. The varying times place the pauses at different points of the service's work.
fn pause(docker: &Docker, container: &str) {
    for round in 0..PAUSES {
        docker.cli(&["pause", container]);
        thread::sleep(Duration::from_micros(200 + round * 104_729 % 40_000));
        docker.cli(&["unpause", container]);
        thread::sleep(Duration::from_micros(500 + round * 7_919 % 12_000));
    }
}

#[test]
fn a_paused_container_continues_where_it_was() {
    let docker = docker();
    let project = docker.started_project();
    let container = project.containers("orders").remove(0);
    let started = docker.inspect(&container)["State"]["StartedAt"].clone();
    let client = client(SERVICE);
    assert_eq!(client.get("/orders").expect("a response before the pauses").status, 200);
    pause(&docker, &container);
    assert_eq!(client.get("/orders").expect("a response after the pauses").status, 200);

    let clients = Clients::new(SERVICE);
    let (orders, errors) = thread::scope(|scope| {
        let writers = clients.start_writers(scope, WRITERS, Duration::ZERO);
        pause(&docker, &container);
        clients.stop();
        merge(writers.into_iter().map(|writer| writer.join().expect("a writer")).collect())
    });
    assert!(errors.is_empty(), "{errors:#?}");
    let written = orders.counts().acknowledged;
    assert!(written > 50, "only {written} orders were written: too few requests were paused");
    orders.check(order_ids(&docker).into_iter().map(|id| (id, ()))).unwrap();
    let state = docker.inspect(&container)["State"].clone();
    assert_eq!(state["StartedAt"], started, "it was restarted: {state}");
}
