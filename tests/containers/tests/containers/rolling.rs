//! A rolling restart under load without a failed request.

use std::thread;
use std::time::{Duration, Instant};

use testkit::wait_until;

use crate::balancer::Balancer;
use crate::clients::{Clients, merge};
use crate::support::{Docker, Project, READY_TIMEOUT, client, docker, get, order_ids_at};

const ROUNDS: usize = 10;
const READERS: usize = 6;
const WRITERS: usize = 2;
/// Keeps the table small.
const WRITE_PAUSE: Duration = Duration::from_millis(5);
const BALANCER: &str = "http://127.0.0.1:8090";
/// A drained replica ends and restarts within this time.
const RESTART_TIMEOUT: Duration = Duration::from_secs(40);

/// The service behind the load balancer.
struct Replicas<'a> {
    docker: &'a Docker,
    project: &'a Project<'a>,
    balancer: Balancer,
    containers: Vec<String>,
}

impl<'a> Replicas<'a> {
    /// The project's replicas, once the balancer sends requests to all of them.
    fn ready(docker: &'a Docker, project: &'a Project<'a>) -> Self {
        project.wait_until_ready(&format!("{BALANCER}/ready"));
        let containers = project.containers("orders");
        let replicas = Self { docker, project, balancer: Balancer::of(docker, project), containers };
        for container in &replicas.containers {
            replicas.wait_until_up(&replicas.address(container), READY_TIMEOUT);
        }
        replicas
    }

    /// Drains one replica. It ends by itself, the engine restarts it, and the balancer finds it again.
    fn restart(&self, container: &str) {
        let restarts = || self.docker.inspect(container)["RestartCount"].as_u64().unwrap_or_default();
        let (restarts_before, address) = (restarts(), self.address(container));
        let (status, body) = get(&format!("http://{address}:9090/drain")).expect("a response to the drain request");
        assert_eq!(status, 200, "{body}");
        self.wait("the balancer to notice the drain", RESTART_TIMEOUT, || !self.is_up(&address));
        self.wait("the replica's restart", RESTART_TIMEOUT, || restarts() > restarts_before);
        self.wait("the replica's address", RESTART_TIMEOUT, || !self.address(container).is_empty());
        let address = self.address(container);
        self.project.wait_until_ready(&format!("http://{address}:9090/ready"));
        self.wait_until_up(&address, RESTART_TIMEOUT);
    }

    /// The replica's address on the engine's network; empty while it is stopped.
    fn address(&self, container: &str) -> String {
        let networks = self.docker.inspect(container)["NetworkSettings"]["Networks"].clone();
        let network = networks.as_object().and_then(|all| all.values().next()).cloned().unwrap_or_default();
        network["IPAddress"].as_str().unwrap_or_default().to_owned()
    }

    fn is_up(&self, address: &str) -> bool {
        self.balancer.servers_up().expect("HAProxy's runtime API").contains(address)
    }

    fn wait_until_up(&self, address: &str, timeout: Duration) {
        self.wait(&format!("the balancer to use {address}"), timeout, || self.is_up(address));
    }

    fn wait(&self, what: &str, timeout: Duration, condition: impl FnMut() -> bool) {
        wait_until(what, timeout, condition).unwrap_or_else(|error| panic!("{error:#}\n{}", self.project.logs()));
    }
}

#[test]
fn three_replicas_restart_ten_times_under_load_without_a_failed_request() {
    let docker = docker();
    let project = docker.project().env("PORT", "8080-8089").env("LOG_LEVEL", "warn");
    project.compose(&["--profile", "scale", "up", "--detach", "--no-build", "--scale", "orders=3"]);
    let replicas = Replicas::ready(&docker, &project);
    let before = replicas.balancer.counters().unwrap();
    let clients = Clients::new(BALANCER);
    let start = Instant::now();
    let (orders, errors) = thread::scope(|scope| {
        let readers = clients.start_readers(scope, READERS);
        let writers = clients.start_writers(scope, WRITERS, WRITE_PAUSE);
        let restarts = scope.spawn(|| {
            (0..ROUNDS).for_each(|_| replicas.containers.iter().for_each(|container| replicas.restart(container)));
        });
        let restarted = restarts.join();
        clients.stop();
        let (orders, mut errors) = merge(writers.into_iter().map(|writer| writer.join().expect("a writer")).collect());
        errors.extend(readers.into_iter().filter_map(|reader| reader.join().expect("a reader")));
        restarted.expect("the restarts");
        (orders, errors)
    });
    let after = replicas.balancer.counters().unwrap();
    println!(
        "{ROUNDS} rolling restarts of {} replicas in {:.0} s: {} reads, {} writes, {} errors; HAProxy: {after}",
        replicas.containers.len(),
        start.elapsed().as_secs_f64(),
        clients.reads(),
        clients.writes(),
        errors.len()
    );
    assert!(errors.is_empty(), "{errors:#?}");
    assert!(after.requests - before.requests >= clients.reads() + clients.writes(), "{before}; {after}");
    assert_eq!(after.responses_5xx, before.responses_5xx, "{before}; {after}");
    assert_eq!(after.response_errors, before.response_errors, "{before}; {after}");
    orders.check(order_ids_at(&client(BALANCER)).into_iter().map(|id| (id, ()))).unwrap();
}
