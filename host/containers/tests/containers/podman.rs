//! The same image under Podman: `podman run`, `podman kube play`, and the Quadlet unit through its generator.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use testbed::engine::run;
use testbed::{Podman, TempDir, artifacts, readme};

use crate::support::{Docker, docker, get, shell, walk_through};

/// Podman with the images that the engine has.
fn podman(docker: &Docker, images: &[(&str, &str)]) -> Podman {
    let podman = Podman::start().unwrap();
    let dir = TempDir::new().unwrap();
    for (image, name) in images {
        let file = dir.path().join("image.tar").display().to_string();
        docker.cli(&["save", "--output", &file, image]);
        let layout = format!("oci-archive:{file}");
        podman.cli(&["pull", "--quiet", &layout]).map(|id| podman.cli(&["tag", id.trim(), name])).unwrap().unwrap();
        fs::remove_file(&file).unwrap();
    }
    podman.room().enter().unwrap();
    podman
}

fn wait_until_ready(podman: &Podman, container: &str) {
    let start = Instant::now();
    while get("http://127.0.0.1:8080/ready").map(|reply| reply.0) != Ok(200) {
        let log = || podman.cli(&["logs", container]).unwrap_or_default();
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "not ready: {}\n{}",
            log(),
            podman.cli(&["ps", "--all"]).unwrap()
        );
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn podman_run_chooses_crun_wasm_by_the_platform() {
    let docker = docker();
    let podman = podman(
        &docker,
        &[("order-service:aot", "localhost/order-service:aot"), ("orders-mariadb", "localhost/mariadb")],
    );
    podman.cli(&["network", "create", "--ignore", "orders"]).unwrap();
    let database = ["--env=MARIADB_DATABASE=orders", "--env=MARIADB_USER=orders", "--env=MARIADB_PASSWORD=secret"];
    podman
        .cli(
            &[&["run", "--detach", "--name=mariadb", "--network=orders"][..], &database, &["localhost/mariadb"]]
                .concat(),
        )
        .unwrap();
    let safe = ["--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--memory=128m"];
    let url = "--env=DATABASE_URL=mysql://orders:secret@mariadb:3306/orders";
    let run = [
        "run",
        "--detach",
        "--name=service",
        "--platform=wasi/wasm",
        "--network=orders",
        "--publish=127.0.0.1:8080:8080",
        url,
    ];
    podman.cli(&[&run[..], &safe, &["localhost/order-service:aot"]].concat()).unwrap();
    wait_until_ready(&podman, "service");
    walk_through(&docker);
    let runtime = podman.cli(&["inspect", "--format={{.OCIRuntime}}", "service"]).unwrap();
    assert_eq!(runtime.trim(), "crun-wasm");
    podman.cli(&["rm", "--force", "--volumes", "--time=0", "service", "mariadb"]).unwrap();
}

#[test]
fn readmes_podman_kube_play_starts_service_and_database_and_keeps_the_data() {
    let docker = docker();
    let podman = podman(
        &docker,
        &[("order-service:aot", "localhost/order-service:aot"), ("orders-mariadb", "docker.io/library/mariadb:11.8")],
    );
    let secrets = podman.room().dir().join("secrets.yaml");
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: orders-secrets}\nstringData:\n  password: one\n  root_password: two\n  \
                database_url: mysql://orders:one@127.0.0.1:3306/orders\n";
    fs::write(&secrets, text).unwrap();
    podman.cli(&["kube", "play", &secrets.display().to_string()]).unwrap();
    let [up, down] = readme::commands("podman").unwrap().try_into().expect("two commands");
    let run = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        podman.cli(&words).unwrap();
    };
    for walked in [false, true] {
        run(&up);
        wait_until_ready(&podman, "orders-service");
        if walked {
            assert!(shell(&docker, "curl -s http://localhost:8080/orders").contains("\"order_id\":5"));
        } else {
            walk_through(&docker);
        }
        run(&down);
    }
}

#[test]
fn the_quadlet_unit_is_one_that_systemd_takes() {
    let units = TempDir::new().unwrap();
    fs::copy(artifacts::root().join("deploy/podman/orders.container"), units.path().join("orders.container")).unwrap();
    let mut generator = Command::new("/usr/lib/systemd/system-generators/podman-system-generator");
    let unit = run(generator.arg("--dryrun").env("QUADLET_UNIT_DIRS", units.path())).unwrap();
    let start = unit.lines().find(|line| line.starts_with("ExecStart=")).expect("a start").to_owned();
    for option in
        ["--platform=wasi/wasm", "--read-only", "--cap-drop all", "--user 65534:65534", "--secret orders-database-url"]
    {
        assert!(start.contains(option), "no {option} in {start}");
    }
    assert!(unit.contains("[Service]") && unit.contains("Restart=always"), "{unit}");
}
