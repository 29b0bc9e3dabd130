//! What the tests share: the engine with its images, a Compose project that goes away, requests.

use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::Engine;
use testkit::engine::run;

/// The longest that anything may take to become ready on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// The engine with the images `order-service:aot`, `order-service:wasm`, `orders-mariadb` and `orders-haproxy`.
pub(crate) struct Docker {
    engine: Engine,
}

/// This test's turn with the engine, which is made and filled by the first to ask. The calling thread is in its network afterwards.
pub(crate) fn docker() -> MutexGuard<'static, Docker> {
    static SHARED: OnceLock<Mutex<Docker>> = OnceLock::new();
    let shared = SHARED.get_or_init(|| {
        let docker = Docker { engine: Engine::docker().expect("an engine") };
        let images = [["build", "aot"], ["build", "wasm"], ["helper", "mariadb"], ["helper", "haproxy"]];
        for arguments in images {
            let start = Instant::now();
            docker.engine.image_script(&arguments).unwrap_or_else(|error| panic!("{error:#}"));
            println!("image.sh {}: {:.1} s", arguments.join(" "), start.elapsed().as_secs_f64());
        }
        Mutex::new(docker)
    });
    let docker = shared.lock().unwrap_or_else(PoisonError::into_inner);
    docker.engine.sandbox().enter_network().expect("the engine's network");
    docker
}

impl Docker {
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// `docker` with arguments: what it wrote.
    pub(crate) fn cli(&self, arguments: &[&str]) -> String {
        self.engine.docker_cli(arguments).unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// What the engine knows of an image or a container.
    pub(crate) fn inspect(&self, what: &str) -> Value {
        let all: Value = serde_json::from_str(&self.cli(&["inspect", what])).expect("JSON");
        all[0].clone()
    }

    /// A script of the project.
    pub(crate) fn script(&self, script: &str, arguments: &[&str]) -> String {
        run(self.command(script).args(arguments)).unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// A command that finds this engine and names the images made here.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = self.engine.command(program);
        command.env("MARIADB_IMAGE", "orders-mariadb").env("HAPROXY_IMAGE", "orders-haproxy");
        command
    }

    /// The project of `docker-compose.yml`, not started.
    pub(crate) fn project(&self) -> Project<'_> {
        Project { docker: self, files: vec!["docker-compose.yml"], environment: Vec::new() }
    }
}

/// A Compose project; its containers, networks and volumes are removed on drop.
pub(crate) struct Project<'docker> {
    docker: &'docker Docker,
    files: Vec<&'static str>,
    environment: Vec<(&'static str, &'static str)>,
}

impl Project<'_> {
    pub(crate) fn file(mut self, file: &'static str) -> Self {
        self.files.push(file);
        self
    }

    pub(crate) fn env(mut self, name: &'static str, value: &'static str) -> Self {
        self.environment.push((name, value));
        self
    }

    /// `docker compose` with arguments: what it wrote.
    pub(crate) fn compose(&self, arguments: &[&str]) -> String {
        run(&mut self.command(arguments)).unwrap_or_else(|error| panic!("{error:#}\n{}", self.logs()))
    }

    /// The ids of a service's containers.
    pub(crate) fn containers(&self, service: &str) -> Vec<String> {
        let list = self.compose(&["ps", "--all", "--quiet", service]);
        list.split_whitespace().map(str::to_owned).collect()
    }

    pub(crate) fn logs(&self) -> String {
        run(&mut self.command(&["--profile", "*", "logs", "--tail", "30"])).unwrap_or_default()
    }

    /// Waits for 200 at a URL.
    pub(crate) fn wait_until_ready(&self, url: &str) {
        let start = Instant::now();
        while get(url).map(|reply| reply.0) != Ok(200) {
            assert!(start.elapsed() < PATIENCE, "{url} is not ready:\n{}", self.logs());
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.docker.command("docker");
        command.arg("compose").args(self.files.iter().flat_map(|file| ["--file", file])).args(arguments);
        command.envs(self.environment.iter().copied());
        command
    }
}

impl Drop for Project<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("{}", self.logs());
        }
        let _ = run(&mut self.command(&["--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "5"]));
    }
}

/// GET on a connection of its own: the status and the body.
pub(crate) fn get(url: &str) -> Result<(u16, String), String> {
    let agent = agent();
    let mut reply = agent.get(url).call().map_err(|error| error.to_string())?;
    let body = reply.body_mut().read_to_string().map_err(|error| error.to_string())?;
    Ok((reply.status().as_u16(), body))
}

/// A client with connections of its own that calls no status an error.
pub(crate) fn agent() -> ureq::Agent {
    let config =
        ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(20)));
    config.build().new_agent()
}

/// A command line as a reader types it, in the repository's root: what it wrote.
pub(crate) fn shell(docker: &Docker, line: &str) -> String {
    run(docker.command("sh").args(["-c", line])).unwrap_or_else(|error| panic!("{error:#}"))
}

/// The article's walkthrough on port 8080, command by command; four orders are there afterwards.
pub(crate) fn walk_through(docker: &Docker) {
    let done = r#"{"status":true}"#;
    assert_eq!(shell(docker, "curl -s http://localhost:8080/init"), done);
    assert_eq!(shell(docker, "curl -s http://localhost:8080/create_orders -X POST -d @orders.json"), done);
    assert_eq!(order_ids(docker), [1, 2, 3, 4, 5]);
    assert_eq!(shell(docker, "curl -s http://localhost:8080/update_order -X POST -d @update_order.json"), done);
    assert_eq!(shell(docker, "curl -s http://localhost:8080/delete_order?id=2"), done);
    assert_eq!(order_ids(docker), [1, 3, 4, 5]);
}

/// The ids that `GET /orders` lists.
pub(crate) fn order_ids(docker: &Docker) -> Vec<u64> {
    let orders: Value = serde_json::from_str(&shell(docker, "curl -s http://localhost:8080/orders")).expect("JSON");
    orders.as_array().expect("an array").iter().filter_map(|order| order["order_id"].as_u64()).collect()
}
