//! What the tests share: the engine with its images, Compose projects, requests.

use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;
use testkit::engine::run;
use testkit::http::Client;
use testkit::sandbox::NetworkNamespace;
use testkit::{Engine, wait_until};

/// A loaded machine makes a service ready within this time.
pub(crate) const READY_TIMEOUT: Duration = Duration::from_secs(90);

/// The service of a Compose project with the default port.
pub(crate) const SERVICE: &str = "http://127.0.0.1:8080";

/// The engine with the images `order-service:aot`, `order-service:wasm`, `orders-mariadb`, `orders-haproxy` and
/// `orders-prometheus`.
pub(crate) struct Docker {
    engine: Engine,
}

/// Exclusive use of the engine; the first caller starts it and builds the images. Moves the calling thread into its
/// network.
pub(crate) fn docker() -> MutexGuard<'static, Docker> {
    static SHARED: OnceLock<Mutex<Docker>> = OnceLock::new();
    let shared = SHARED.get_or_init(|| {
        let docker = Docker { engine: Engine::docker().expect("an engine") };
        let helpers = ["mariadb", "haproxy", "prometheus"].map(|name| ["helper", name]);
        let images = [["build", "aot"], ["build", "wasm"]].into_iter().chain(helpers);
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
    /// Another engine. Moves the calling thread into its network.
    pub(crate) fn with_engine(engine: Engine) -> Self {
        engine.sandbox().enter_network().expect("the engine's network");
        Self { engine }
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Runs `docker` and returns its standard output.
    pub(crate) fn cli(&self, arguments: &[&str]) -> String {
        self.engine.docker_cli(arguments).unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// `docker inspect` of an image or a container.
    pub(crate) fn inspect(&self, name: &str) -> Value {
        let list: Value = serde_json::from_str(&self.cli(&["inspect", name])).expect("JSON");
        list[0].clone()
    }

    /// The network of a running container, for threads to enter.
    pub(crate) fn network_of(&self, container: &str) -> NetworkNamespace {
        let pid = self.inspect(container)["State"]["Pid"].clone();
        NetworkNamespace::at(self.engine.sandbox().path_outside(&format!("/proc/{pid}/ns/net")))
    }

    /// Runs a script of the project and returns its standard output.
    pub(crate) fn script(&self, script: &str, arguments: &[&str]) -> String {
        run(self.command(script).args(arguments)).unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// A command that uses this engine and its images.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = self.engine.command(program);
        command.env("MARIADB_IMAGE", "orders-mariadb").env("HAPROXY_IMAGE", "orders-haproxy");
        command.env("PROMETHEUS_IMAGE", "orders-prometheus");
        command
    }

    /// The project of `docker-compose.yml`, not started.
    pub(crate) fn project(&self) -> Project<'_> {
        Project { docker: self, files: vec!["docker-compose.yml"], environment: Vec::new() }
    }

    /// The project of `docker-compose.yml`, with the service ready.
    pub(crate) fn started_project(&self) -> Project<'_> {
        let project = self.project();
        project.start();
        project
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

    /// Starts the project with the images that exist and waits until the service is ready.
    pub(crate) fn start(&self) {
        self.compose(&["up", "--detach", "--no-build"]);
        self.wait_until_ready("http://127.0.0.1:8080/ready");
    }

    /// Runs `docker compose` and returns its standard output.
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

    /// Waits until a URL returns 200.
    pub(crate) fn wait_until_ready(&self, url: &str) {
        self.wait_until(url, READY_TIMEOUT, || get(url).is_ok_and(|(status, _)| status == 200));
    }

    /// Waits for a condition; the project's logs are in the failure.
    pub(crate) fn wait_until(&self, what: &str, timeout: Duration, condition: impl FnMut() -> bool) {
        wait_until(what, timeout, condition).unwrap_or_else(|error| panic!("{error:#}\n{}", self.logs()));
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

/// A client with connections of its own.
pub(crate) fn client(base: &str) -> Client {
    Client::with_timeout(base, Duration::from_secs(20))
}

/// `GET` on a new connection: the status and the body.
pub(crate) fn get(url: &str) -> Result<(u16, String)> {
    let authority = url.find("://").map_or(0, |index| index + 3);
    let path = url[authority..].find('/').map_or(url.len(), |index| authority + index);
    let (base, path) = url.split_at(path);
    let response = client(base).get(path)?;
    Ok((response.status, response.text()))
}

/// Runs a shell command line in the repository's root, as a reader types it, and returns its standard output.
pub(crate) fn shell(docker: &Docker, line: &str) -> String {
    run(docker.command("sh").args(["-c", line])).unwrap_or_else(|error| panic!("{error:#}"))
}

/// The article's walkthrough on port 8080, command by command; it leaves four orders.
pub(crate) fn walk_through(docker: &Docker) {
    let success = r#"{"status":true}"#;
    assert_eq!(shell(docker, "curl -s http://localhost:8080/init"), success);
    assert_eq!(shell(docker, "curl -s http://localhost:8080/create_orders -X POST -d @orders.json"), success);
    assert_eq!(order_ids(docker), [1, 2, 3, 4, 5]);
    assert_eq!(shell(docker, "curl -s http://localhost:8080/update_order -X POST -d @update_order.json"), success);
    assert_eq!(shell(docker, "curl -s http://localhost:8080/delete_order?id=2"), success);
    assert_eq!(order_ids(docker), [1, 3, 4, 5]);
}

/// The ids that `GET /orders` on port 8080 lists, requested by curl.
pub(crate) fn order_ids(docker: &Docker) -> Vec<u64> {
    ids(&shell(docker, "curl -s http://localhost:8080/orders"))
}

/// The ids that `GET /orders` lists.
pub(crate) fn order_ids_at(client: &Client) -> Vec<u64> {
    ids(&client.get("/orders").expect("the orders").text())
}

fn ids(json: &str) -> Vec<u64> {
    let orders: Value = serde_json::from_str(json).expect("JSON");
    orders.as_array().expect("an array").iter().filter_map(|order| order["order_id"].as_u64()).collect()
}
