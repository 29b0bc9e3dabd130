//! `docker compose up` and `make up`, as in README.

use std::thread;
use std::time::{Duration, Instant, SystemTime};

use testkit::{readme, wait_until};

use crate::clients::{Clients, merge};
use crate::support::{Docker, SERVICE, docker, get, order_ids, shell, walk_through};

const WRITERS: usize = 4;

#[test]
fn the_walkthrough_works_after_up_and_the_data_survive_down_and_up() {
    let docker = docker();
    let project = docker.started_project();
    walk_through(&docker);
    project.compose(&["down"]);
    project.start();
    assert_eq!(order_ids(&docker), [1, 3, 4, 5]);
}

#[test]
fn make_up_reports_readiness_and_make_down_drains_and_keeps_the_data() {
    let docker = docker();
    let project = docker.project();
    let [up, down] = readme::commands("docker").unwrap().try_into().expect("two commands");
    let output = shell(&docker, &up);
    assert!(output.contains("http://localhost:8080 is ready"), "{output}");
    walk_through(&docker);
    let orders = project.containers("orders");
    let (since, start) = (now(), Instant::now());
    let logs = thread::scope(|scope| {
        let follow = scope.spawn(|| docker.cli(&["logs", "--follow", &orders[0]]));
        shell(&docker, &down);
        follow.join().expect("the log")
    });
    let duration = start.elapsed();
    println!("make down: {:.1} s", duration.as_secs_f64());
    let logged = |message: &str| logs.contains(&format!("\"message\":\"{message}"));
    assert!(logged("shutdown requested") && logged("shut down\""), "the drain is incomplete:\n{logs}");
    // A process that does not end by itself is killed later, with status 137.
    assert!(duration < Duration::from_secs(20), "{duration:?}");
    assert_eq!(exit_statuses(&docker, &orders[0], since), ["0"]);
    shell(&docker, &up);
    assert_eq!(order_ids(&docker), [1, 3, 4, 5]);
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock").as_secs()
}

/// The exit statuses of a container's processes since a time in seconds since 1970.
pub(crate) fn exit_statuses(docker: &Docker, container: &str, since: u64) -> Vec<String> {
    let (since, until) = (since.to_string(), (now() + 1).to_string());
    let period = ["events", "--since", &since, "--until", &until, "--filter", "event=die"];
    let filter = format!("container={container}");
    let format = "{{.Actor.Attributes.exitCode}}";
    let events = docker.cli(&[&period[..], &["--filter", &filter, "--format", format]].concat());
    events.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn docker_compose_up_builds_its_image() {
    let docker = docker();
    let project = docker.project().env("ORDERS_IMAGE", "composed:latest");
    project.compose(&["up", "--detach", "--build"]);
    project.wait_until_ready("http://127.0.0.1:8080/ready");
    walk_through(&docker);
    drop(project);
    docker.cli(&["rmi", "--force", "composed:latest"]);
}

/// Removes the default route of the engine's network until dropped.
struct WithoutDefaultRoute<'docker> {
    docker: &'docker Docker,
    route: String,
}

impl<'docker> WithoutDefaultRoute<'docker> {
    fn new(docker: &'docker Docker) -> Self {
        let sandbox = docker.engine().sandbox();
        let routes = sandbox.run("ip", &["route", "show", "default"]).unwrap();
        sandbox.run("ip", &["route", "del", "default"]).unwrap();
        Self { docker, route: routes.lines().next().expect("a default route").to_owned() }
    }
}

impl Drop for WithoutDefaultRoute<'_> {
    fn drop(&mut self) {
        let route: Vec<&str> = self.route.split_whitespace().collect();
        let sandbox = self.docker.engine().sandbox();
        sandbox.run("ip", &[&["route", "add"], &route[..]].concat()).expect("the default route");
    }
}

#[test]
fn make_up_builds_base_and_database_images_where_none_can_be_pulled() {
    let docker = docker();
    let project = docker.project();
    // The engine's own base image: building it again would take a minute.
    docker.cli(&["tag", "debian:trixie-slim", "orders-base"]);
    let _offline = WithoutDefaultRoute::new(&docker);
    let mut up = docker.engine().command("make");
    up.arg("up").env("BUILD_IMAGE", "registry.invalid/debian:trixie-slim").env_remove("MARIADB_IMAGE");
    let output = up.output().expect("make");
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{messages}");
    assert!(messages.contains("registry.invalid/debian:trixie-slim cannot be pulled"), "{messages}");
    assert!(messages.contains("mariadb:11.8 cannot be pulled"), "{messages}");
    walk_through(&docker);
    let image = docker.inspect(&project.containers("mariadb")[0])["Config"]["Image"].clone();
    assert_eq!(image, "orders-mariadb");
}

#[test]
fn docker_compose_stop_takes_at_most_two_seconds_and_loses_no_write() {
    let docker = docker();
    let project = docker.started_project();
    let clients = Clients::new(SERVICE);
    let (duration, orders, errors) = thread::scope(|scope| {
        let writers = clients.start_writers(scope, WRITERS, Duration::ZERO);
        let _ = wait_until("100 writes", Duration::from_secs(30), || clients.writes() >= 100);
        let start = Instant::now();
        project.compose(&["stop", "orders"]);
        let duration = start.elapsed();
        // Each writer ends with its first failed request.
        let all_failed = || writers.iter().all(|writer| writer.is_finished());
        let _ = wait_until("each writer to fail", Duration::from_secs(30), all_failed);
        clients.stop();
        let (orders, errors) = merge(writers.into_iter().map(|writer| writer.join().expect("a writer")).collect());
        (duration, orders, errors)
    });
    let written = orders.counts().acknowledged;
    println!("docker compose stop orders: {:.2} s, after {written} orders", duration.as_secs_f64());
    assert!(duration <= Duration::from_secs(2), "{duration:?}");
    assert!(written >= 100 && errors.len() == WRITERS, "the writers did not write until the stop: {errors:?}");
    project.compose(&["start", "orders"]);
    project.wait_until_ready("http://127.0.0.1:8080/ready");
    // An order that was not acknowledged may be stored.
    let lost = orders.compare(order_ids(&docker).into_iter().map(|id| (id, ()))).lost;
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
}

#[test]
fn the_container_runs_with_the_least_privileges() {
    let docker = docker();
    let project = docker.started_project();
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
    // `docker inspect` shows the environment, so no secret may be in it.
    assert!(!container["Config"]["Env"].to_string().contains("mysql://"));
    assert_eq!(host["DnsOptions"].to_string(), r#"["timeout:1","attempts:2"]"#);
    assert_eq!(host["Ulimits"][0]["Name"], "nofile");
    assert!(host["Ulimits"][0]["Soft"].as_u64() > Some(4096 + 10), "{}", host["Ulimits"]);
    let database = docker.inspect(&project.containers("mariadb")[0]);
    assert!(database["Config"]["Env"].to_string().contains("MARIADB_PASSWORD_FILE"));
    assert_eq!(database["Config"]["User"], "999:999");
    let host = &database["HostConfig"];
    assert_eq!(host["PortBindings"].to_string(), "{}");
    assert_eq!((&host["ReadonlyRootfs"], host["CapDrop"].to_string()), (&true.into(), r#"["ALL"]"#.to_owned()));
    assert_eq!(host["CapAdd"].to_string(), "null");
    assert_eq!((&host["Memory"], &host["PidsLimit"]), (&(512 * 1024 * 1024).into(), &512.into()));
}

#[test]
fn the_passwords_of_an_older_versions_volume_are_handed_over() {
    let docker = docker();
    let project = docker.started_project();
    walk_through(&docker);
    project.compose(&["down"]);
    // There root owned the files for the database, which ran as root at first.
    let line = "chown 0:0 /run/secrets/password /run/secrets/root_password";
    let volume = ["--volume", "orders_secrets:/run/secrets", "orders-mariadb", "sh", "-euc", line];
    docker.cli(&[&["run", "--rm"][..], &volume].concat());
    project.start();
    assert_eq!(order_ids(&docker), [1, 3, 4, 5]);
}

#[test]
fn a_killed_process_is_restarted_and_a_wrong_configuration_fails() {
    let docker = docker();
    let project = docker.started_project();
    let id = project.containers("orders")[0].clone();
    let pid = docker.inspect(&id)["State"]["Pid"].to_string();
    docker.engine().sandbox().run("kill", &["-9", &pid]).unwrap();
    project.wait_until("the restart", Duration::from_secs(20), || docker.inspect(&id)["RestartCount"] == 1);
    project.wait_until_ready("http://127.0.0.1:8080/ready");
    let run = ["run", "--platform", "wasi/wasm", "--runtime", "crun", "--annotation", "run.oci.handler=wasm"];
    let wrong =
        docker.engine().command("docker").args(run).args(["--rm", "order-service:aot"]).output().expect("docker");
    let output = String::from_utf8_lossy(&wrong.stderr).into_owned() + &String::from_utf8_lossy(&wrong.stdout);
    assert!(output.contains("DATABASE_URL is not set"), "{output}");
    assert_ne!(wrong.status.code(), Some(0), "a failed start has the status of a clean exit");
}

#[test]
fn three_replicas_serve_behind_the_balancer_of_the_scale_profile() {
    let docker = docker();
    let project = docker.project().env("PORT", "8080-8089");
    project.compose(&["--profile", "scale", "up", "--detach", "--no-build", "--scale", "orders=3"]);
    project.wait_until_ready("http://127.0.0.1:8090/ready");
    assert_eq!(project.containers("orders").len(), 3);
    let has_request = |id: &String| docker.cli(&["logs", id]).contains("\"path\":\"/\"");
    project.wait_until("a request at each replica", Duration::from_secs(30), || {
        assert_eq!(get("http://127.0.0.1:8090/").unwrap().0, 200);
        project.containers("orders").iter().all(has_request)
    });
}
