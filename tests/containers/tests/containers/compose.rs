//! `docker compose up` as README has it.

use std::collections::HashSet;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use testkit::engine::run;
use testkit::readme;

use crate::support::{Docker, Project, docker, get, order_ids, shell, walk_through};
use crate::writers::{Writers, Written};

#[test]
fn the_walkthrough_works_after_up_and_the_data_survive_down_and_up() {
    let docker = docker();
    let project = docker.project();
    project.compose(&["up", "--detach", "--no-build"]);
    project.wait_until_ready("http://127.0.0.1:8080/ready");
    walk_through(&docker);
    project.compose(&["down"]);
    project.compose(&["up", "--detach", "--no-build"]);
    project.wait_until_ready("http://127.0.0.1:8080/ready");
    assert_eq!(order_ids(&docker), [1, 3, 4, 5]);
}

#[test]
fn readmes_make_up_says_when_it_is_ready_and_make_down_drains_and_keeps_the_data() {
    let docker = docker();
    let project = docker.project();
    let [up, down] = readme::commands("docker").unwrap().try_into().expect("two commands");
    let said = shell(&docker, &up);
    assert!(said.contains("http://localhost:8080 is ready"), "{said}");
    walk_through(&docker);
    let orders = project.containers("orders");
    let (begun, start) = (now(), Instant::now());
    let logs = thread::scope(|scope| {
        let follow = scope.spawn(|| docker.cli(&["logs", "--follow", &orders[0]]));
        shell(&docker, &down);
        follow.join().expect("the log")
    });
    let took = start.elapsed();
    println!("make down: {:.1} s", took.as_secs_f64());
    let said = |message: &str| logs.contains(&format!("\"message\":\"{message}"));
    assert!(said("leaving") && said("gone\""), "it was not drained to its end:\n{logs}");
    // Whoever does not leave by itself is killed after 30 s, with status 137.
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert_eq!(ends_of(&docker, &orders[0], begun), ["0"]);
    shell(&docker, &up);
    assert_eq!(order_ids(&docker), [1, 3, 4, 5]);
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock").as_secs()
}

/// The status with which a container's process has ended, each time since `begun`.
fn ends_of(docker: &Docker, container: &str, begun: u64) -> Vec<String> {
    let (since, until) = (begun.to_string(), (now() + 1).to_string());
    let period = ["events", "--since", &since, "--until", &until, "--filter", "event=die"];
    let which = format!("container={container}");
    let format = "{{.Actor.Attributes.exitCode}}";
    let events = docker.cli(&[&period[..], &["--filter", &which, "--format", format]].concat());
    events.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn a_plain_docker_compose_up_builds_the_image_that_it_runs() {
    let docker = docker();
    let project = docker.project().env("ORDERS_IMAGE", "composed:latest");
    project.compose(&["up", "--detach", "--build"]);
    project.wait_until_ready("http://127.0.0.1:8080/ready");
    walk_through(&docker);
    drop(project);
    docker.cli(&["rmi", "--force", "composed:latest"]);
}

/// The engine's network without its way out, until the end of this value.
struct NoWayOut<'docker>(&'docker Docker, String);

impl<'docker> NoWayOut<'docker> {
    fn of(docker: &'docker Docker) -> Self {
        let ip = |arguments: &[&str]| run(docker.engine().sandbox().command("ip").args(arguments)).unwrap();
        let route = ip(&["route", "show", "default"]).lines().next().expect("a way out").to_owned();
        ip(&["route", "del", "default"]);
        Self(docker, route)
    }
}

impl Drop for NoWayOut<'_> {
    fn drop(&mut self) {
        let words = self.1.split_whitespace();
        run(self.0.engine().sandbox().command("ip").args(["route", "add"]).args(words)).expect("the way out");
    }
}

#[test]
fn make_up_makes_the_database_from_debians_packages_where_nothing_can_be_pulled() {
    let docker = docker();
    let project = docker.project();
    // Its base image, the one that the engine has for its own builds: to make it again takes a minute.
    docker.cli(&["tag", "debian:trixie-slim", "orders-base"]);
    let _none = NoWayOut::of(&docker);
    let mut up = docker.engine().command("make");
    up.arg("up").env("BUILD_IMAGE", "registry.invalid/debian:trixie-slim").env_remove("MARIADB_IMAGE");
    let output = up.output().expect("make");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("registry.invalid/debian:trixie-slim cannot be pulled"), "{said}");
    assert!(said.contains("mariadb:11.8 cannot be pulled"), "{said}");
    walk_through(&docker);
    let image = docker.inspect(&project.containers("mariadb")[0])["Config"]["Image"].clone();
    assert_eq!(image, "orders-mariadb");
}

#[test]
fn a_plain_stop_takes_two_seconds_at_most_and_loses_nothing_acknowledged() {
    let docker = docker();
    let project = docker.project();
    project.compose(&["up", "--detach", "--no-build"]);
    project.wait_until_ready("http://127.0.0.1:8080/ready");
    let writers = Writers::default();
    let (took, seen) = thread::scope(|scope| {
        let threads = writers.start(scope, "http://127.0.0.1:8080/orders");
        let start = Instant::now();
        while writers.acknowledged() < 100 && start.elapsed() < Duration::from_secs(30) {
            thread::sleep(Duration::from_millis(10));
        }
        let start = Instant::now();
        project.compose(&["stop", "orders"]);
        let took = start.elapsed();
        // Long enough for each of them to be refused.
        thread::sleep(Duration::from_secs(1));
        writers.stop();
        (took, threads.into_iter().map(|thread| thread.join().expect("a writer")).collect::<Vec<Written>>())
    });
    let written: usize = seen.iter().map(|writer| writer.ids.len()).sum();
    println!("docker compose stop orders: {:.2} s, after {written} orders", took.as_secs_f64());
    assert!(took <= Duration::from_secs(2), "{took:?}");
    assert!(written >= 100 && seen.iter().all(|writer| writer.error.is_some()), "they did not write over the stop");
    project.compose(&["start", "orders"]);
    project.wait_until_ready("http://127.0.0.1:8080/ready");
    let there: HashSet<u64> = order_ids(&docker).into_iter().collect();
    let lost: Vec<&u64> = seen.iter().flat_map(|writer| &writer.ids).filter(|id| !there.contains(id)).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
}

#[test]
fn the_container_has_no_rights_it_does_not_need() {
    let docker = docker();
    let project = docker.project();
    project.compose(&["up", "--detach", "--no-build"]);
    project.wait_until_ready("http://127.0.0.1:8080/ready");
    let container = docker.inspect(&project.containers("orders")[0]);
    let host = &container["HostConfig"];
    assert_eq!(container["Config"]["User"], "65534:65534");
    assert_eq!(host["Runtime"], "crun");
    assert_eq!(host["ReadonlyRootfs"], true);
    assert_eq!(host["CapDrop"].to_string(), r#"["ALL"]"#);
    assert_eq!(host["SecurityOpt"].to_string(), r#"["no-new-privileges:true"]"#);
    assert_eq!(host["Memory"], 128 * 1024 * 1024);
    assert_eq!(host["RestartPolicy"]["Name"], "unless-stopped");
    assert_eq!(host["PortBindings"].to_string(), r#"{"8080/tcp":[{"HostIp":"127.0.0.1","HostPort":"8080"}]}"#);
    // No secret is in the environment, where every `docker inspect` shows it.
    assert!(!container["Config"]["Env"].to_string().contains("mysql://"));
    let database = docker.inspect(&project.containers("mariadb")[0]);
    assert_eq!(database["HostConfig"]["PortBindings"].to_string(), "{}");
    assert!(database["Config"]["Env"].to_string().contains("MARIADB_PASSWORD_FILE"));
}

#[test]
fn an_ended_process_is_restarted_and_a_wrong_configuration_is_seen_as_failed() {
    let docker = docker();
    let project = docker.project();
    project.compose(&["up", "--detach", "--no-build"]);
    project.wait_until_ready("http://127.0.0.1:8080/ready");
    let id = project.containers("orders")[0].clone();
    let pid = docker.inspect(&id)["State"]["Pid"].to_string();
    let killed = docker.engine().sandbox().command("kill").args(["-9", &pid]).status().expect("kill");
    assert!(killed.success());
    let start = Instant::now();
    while docker.inspect(&id)["RestartCount"] != 1 {
        assert!(start.elapsed() < Duration::from_secs(20), "it was not restarted");
    }
    project.wait_until_ready("http://127.0.0.1:8080/ready");
    let run = ["run", "--platform", "wasi/wasm", "--runtime", "crun", "--annotation", "run.oci.handler=wasm"];
    let wrong =
        docker.engine().command("docker").args(run).args(["--rm", "order-service:aot"]).output().expect("docker");
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned() + &String::from_utf8_lossy(&wrong.stdout);
    assert!(said.contains("DATABASE_URL is not set"), "{said}");
    assert_ne!(wrong.status.code(), Some(0), "a start that failed looks like a clean end");
}

#[test]
fn three_replicas_serve_behind_the_balancer_of_the_scale_profile() {
    let docker = docker();
    let project = docker.project().env("PORT", "8080-8089");
    project.compose(&["--profile", "scale", "up", "--detach", "--no-build", "--scale", "orders=3"]);
    project.wait_until_ready("http://127.0.0.1:8090/ready");
    assert_eq!(project.containers("orders").len(), 3);
    let start = Instant::now();
    let log = |id: &str| docker.cli(&["logs", id]).matches("\"path\":\"/\"").count();
    while !project.containers("orders").iter().all(|id| log(id) > 0) {
        assert!(start.elapsed() < Duration::from_secs(30), "a replica is asked nothing:\n{}", project.logs());
        assert_eq!(get("http://127.0.0.1:8090/").map(|reply| reply.0), Ok(200));
    }
}

#[test]
fn the_native_override_needs_no_wasm_runtime() {
    let docker = docker();
    docker.script("scripts/image.sh", &["build", "native"]);
    let project = docker.project().file("deploy/compose/native.yml");
    project.compose(&["up", "--detach", "--no-build"]);
    project.wait_until_ready("http://127.0.0.1:8080/ready");
    walk_through(&docker);
    assert_eq!(docker.inspect(&project.containers("orders")[0])["HostConfig"]["Runtime"], "runc");
}

#[test]
fn the_shim_override_names_the_shim_and_takes_cruns_annotation_away() {
    let docker = docker();
    let orders = |project: &Project<'_>| {
        let config: Value = serde_json::from_str(&project.compose(&["config", "--format", "json"])).expect("JSON");
        config["services"]["orders"].clone()
    };
    let plain = orders(&docker.project());
    assert_eq!(plain["annotations"]["run.oci.handler"], "wasm");
    let shim = orders(&docker.project().file("deploy/compose/shim.yml"));
    assert_eq!(shim["runtime"], "io.containerd.wasmedge.v1");
    assert_eq!(shim["platform"], "wasi/wasm");
    assert!(shim["annotations"].as_object().is_none_or(|all| all.is_empty()), "{shim}");
}
