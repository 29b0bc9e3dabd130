//! A rolling restart under load that nobody notices.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Docker, Project, agent, docker, get};

const ROUNDS: usize = 10;
const READERS: usize = 6;
const WRITERS: usize = 2;
const BALANCER: &str = "http://127.0.0.1:8090";

/// What the load has seen.
#[derive(Default)]
struct Seen {
    stop: AtomicBool,
    answered: AtomicU64,
    written: Mutex<Vec<u64>>,
    failed: Mutex<Vec<String>>,
}

impl Seen {
    fn fail(&self, what: String) {
        self.failed.lock().unwrap().push(what);
    }

    fn going_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }
}

/// Reads over one keep-alive connection after another, as the balancer leaves them.
fn read(seen: &Seen) {
    let agent = agent();
    while seen.going_on() {
        match agent.get(format!("{BALANCER}/orders?limit=5")).call() {
            Ok(mut reply) if reply.status() == 200 => match reply.body_mut().read_to_string() {
                Ok(body) if body.ends_with(']') => _ = seen.answered.fetch_add(1, Ordering::Relaxed),
                other => seen.fail(format!("a body that ends badly: {other:?}")),
            },
            other => seen.fail(format!("GET: {other:?}")),
        }
    }
}

/// Writes, and remembers what was acknowledged.
fn write(seen: &Seen) {
    let agent = agent();
    let order = r#"{"product_id":7,"quantity":1,"amount":19.99,"shipping":0,"tax":1.6,"shipping_address":"1 Quay"}"#;
    while seen.going_on() {
        match agent.post(format!("{BALANCER}/orders")).header("Content-Type", "application/json").send(order) {
            Ok(mut reply) if reply.status() == 201 => {
                let body: Value =
                    serde_json::from_str(&reply.body_mut().read_to_string().unwrap_or_default()).unwrap_or_default();
                match body["order_id"].as_u64() {
                    Some(id) => seen.written.lock().unwrap().push(id),
                    None => seen.fail(format!("POST: no id in {body}")),
                }
            }
            other => seen.fail(format!("POST: {other:?}")),
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// The replica's address on the engine's network.
fn address(docker: &Docker, id: &str) -> String {
    let networks = docker.inspect(id)["NetworkSettings"]["Networks"].clone();
    let first = networks.as_object().and_then(|all| all.values().next()).cloned().unwrap_or_default();
    first["IPAddress"].as_str().unwrap_or_default().to_owned()
}

/// Drains one replica; the engine starts it again when it has ended by itself, with status 0.
fn restart(docker: &Docker, project: &Project<'_>, id: &str) {
    let restarts = |docker: &Docker| docker.inspect(id)["RestartCount"].as_u64().unwrap_or_default();
    let before = restarts(docker);
    let (status, said) = get(&format!("http://{}:9090/drain", address(docker, id))).expect("the drain is taken");
    assert_eq!(status, 200, "{said}");
    let start = Instant::now();
    while restarts(docker) == before {
        assert!(start.elapsed() < Duration::from_secs(40), "it did not leave:\n{}", project.logs());
        thread::sleep(Duration::from_millis(50));
    }
    while address(docker, id).is_empty() {
        assert!(start.elapsed() < Duration::from_secs(40), "it did not come back:\n{}", project.logs());
    }
    project.wait_until_ready(&format!("http://{}:9090/ready", address(docker, id)));
    // The balancer asks twice a second at most; a replica that it does not know of yet carries nothing.
    thread::sleep(Duration::from_secs(2));
}

#[test]
fn three_replicas_are_restarted_ten_times_under_load_and_no_request_fails() {
    let docker = docker();
    let project = docker.project().env("PORT", "8080-8089").env("LOG_LEVEL", "warn");
    project.compose(&["--profile", "scale", "up", "--detach", "--no-build", "--scale", "orders=3"]);
    project.wait_until_ready(&format!("{BALANCER}/ready"));
    let replicas = project.containers("orders");
    for id in &replicas {
        project.wait_until_ready(&format!("http://{}:9090/ready", address(&docker, id)));
    }
    thread::sleep(Duration::from_secs(2));
    let seen = Seen::default();
    let start = Instant::now();
    thread::scope(|scope| {
        let load: Vec<_> = (0..READERS)
            .map(|_| scope.spawn(|| read(&seen)))
            .chain((0..WRITERS).map(|_| scope.spawn(|| write(&seen))))
            .collect();
        let restarts =
            scope.spawn(|| (0..ROUNDS).for_each(|_| replicas.iter().for_each(|id| restart(&docker, &project, id))));
        let restarted = restarts.join();
        seen.stop.store(true, Ordering::Relaxed);
        load.into_iter().for_each(|client| client.join().expect("a client"));
        restarted.expect("the restarts");
    });
    let written = seen.written.into_inner().unwrap();
    let failed = seen.failed.into_inner().unwrap();
    println!(
        "{ROUNDS} rolling restarts of {} replicas in {:.0} s: {} reads and {} writes answered, {} failed",
        replicas.len(),
        start.elapsed().as_secs_f64(),
        seen.answered.into_inner(),
        written.len(),
        failed.len()
    );
    assert!(failed.is_empty(), "{} failed: {failed:#?}", failed.len());
    let listed = agent()
        .get(format!("{BALANCER}/orders"))
        .call()
        .unwrap()
        .into_body()
        .with_config()
        .limit(1 << 30)
        .read_to_string()
        .unwrap();
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let mut ids: Vec<u64> = listed.as_array().unwrap().iter().filter_map(|order| order["order_id"].as_u64()).collect();
    let mut written = written;
    ids.sort_unstable();
    written.sort_unstable();
    assert_eq!(ids, written, "acknowledged and there are not the same");
}
