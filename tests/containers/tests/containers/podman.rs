//! The image under Podman, as root and rootless: `podman run`, `podman kube play`, and the Quadlet unit through its
//! generator.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use testkit::engine::run;
use testkit::{Podman, TempDir, artifacts, readme, wait_until};

use crate::support::{Docker, docker, get, shell, walk_through};
use crate::tokens::Tokens;

const IMAGES: [(&str, &str); 2] =
    [("order-service:aot", "localhost/order-service:aot"), ("orders-mariadb", "docker.io/library/mariadb:11.8")];

/// Copies the engine's images to `podman`. Moves the calling thread into its network.
fn load_images(podman: &Podman, docker: &Docker) {
    for (image, name) in IMAGES {
        let file = podman.file("image.tar");
        docker.cli(&["save", "--output", &file.display().to_string(), image]);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let id = podman.cli(&["pull", "--quiet", &format!("oci-archive:{}", file.display())]).unwrap();
        podman.cli(&["tag", id.trim(), name]).unwrap();
        fs::remove_file(&file).unwrap();
    }
    podman.sandbox().enter_network().unwrap();
}

fn wait_until_ready(podman: &Podman, container: &str) {
    let ready = || get("http://127.0.0.1:8080/ready").is_ok_and(|(status, _)| status == 200);
    wait_until("a ready service", Duration::from_secs(60), ready).unwrap_or_else(|error| {
        let log = podman.cli(&["logs", container]).unwrap_or_default();
        panic!("{error:#}\n{log}\n{}", podman.cli(&["ps", "--all"]).unwrap())
    });
}

fn start_database(podman: &Podman) {
    let variables = ["--env=MARIADB_DATABASE=orders", "--env=MARIADB_USER=orders", "--env=MARIADB_PASSWORD=secret"];
    let run = ["run", "--detach", "--name=mariadb", "--network=orders"];
    podman.cli(&[&run[..], &variables, &["docker.io/library/mariadb:11.8"]].concat()).unwrap();
}

/// `podman run` of the service and a database, and the walkthrough. Root may always limit the memory; other users need
/// delegated control groups of version 2.
fn run_containers(podman: &Podman, docker: &Docker, limits: &[&str]) {
    podman.cli(&["network", "create", "--ignore", "orders"]).unwrap();
    start_database(podman);
    let run = ["run", "--detach", "--name=service", "--platform=wasi/wasm", "--network=orders"];
    let restrictions = ["--read-only", "--cap-drop=all", "--security-opt=no-new-privileges"];
    let url = ["--env=DATABASE_URL=mysql://orders:secret@mariadb:3306/orders", "--publish=127.0.0.1:8080:8080"];
    podman.cli(&[&run[..], &restrictions, limits, &url, &["localhost/order-service:aot"]].concat()).unwrap();
    wait_until_ready(podman, "service");
    walk_through(docker);
    let runtime = podman.cli(&["inspect", "--format={{.OCIRuntime}}", "service"]).unwrap();
    assert_eq!(runtime.trim(), "crun-wasm");
}

/// README's two commands, twice; the second time the data of the first are there.
fn play_pod(podman: &Podman, docker: &Docker) {
    let secrets = podman.file("secrets.yaml");
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: orders-secrets}\nstringData:\n  \
                password: one\n  root_password: two\n  database_url: mysql://orders:one@127.0.0.1:3306/orders\n";
    fs::write(&secrets, text).unwrap();
    podman.cli(&["kube", "play", &secrets.display().to_string()]).unwrap();
    let [up, down] = readme::commands("podman").unwrap().try_into().expect("two commands");
    let run = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        podman.cli(&words).unwrap();
    };
    for has_data in [false, true] {
        run(&up);
        wait_until_ready(podman, "orders-service");
        if has_data {
            assert!(shell(docker, "curl -s http://localhost:8080/orders").contains("\"order_id\":5"));
        } else {
            walk_through(docker);
        }
        podman.cli(&["healthcheck", "run", "orders-probe"]).expect("the probe succeeds while the service is ready");
        let (log, status) = thread::scope(|scope| {
            let follow = scope.spawn(|| podman.cli(&["logs", "--follow", "orders-service"]));
            let wait = scope.spawn(|| podman.cli(&["wait", "orders-service"]));
            run(&down);
            (follow.join().expect("a thread").unwrap_or_default(), wait.join().expect("a thread").unwrap())
        });
        // A drained process ends by itself, a killed one has status 137. The log's last lines may be missing, because
        // Podman removes the log with the container.
        assert_eq!(status.trim(), "0", "it was not drained:\n{log}");
        // The database served until the drain was over.
        let drain = log.split_once("shutdown requested").map_or("", |(_, rest)| rest);
        assert!(!drain.contains("\"level\":\"error\""), "{log}");
    }
}

#[test]
fn podman_run_selects_crun_wasm_by_the_platform() {
    let docker = docker();
    let podman = Podman::start().unwrap();
    load_images(&podman, &docker);
    run_containers(&podman, &docker, &["--memory=128m"]);
    podman.cli(&["rm", "--force", "--volumes", "--time=0", "service", "mariadb"]).unwrap();
}

#[test]
fn readmes_podman_kube_play_starts_service_and_database_and_keeps_the_data() {
    let docker = docker();
    let podman = Podman::start().unwrap();
    load_images(&podman, &docker);
    play_pod(&podman, &docker);
}

#[test]
fn an_unprivileged_user_runs_containers_and_the_pod() {
    let docker = docker();
    let podman = Podman::rootless().unwrap();
    load_images(&podman, &docker);
    let folder = podman.file("home/deploy/podman");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(artifacts::root().join("deploy/podman/orders.yaml"), folder.join("orders.yaml")).unwrap();
    run_containers(&podman, &docker, &[]);
    // 65534 in the container is one of the user's subordinate ids outside; no process is root.
    let pid = podman.cli(&["inspect", "--format={{.State.Pid}}", "service"]).unwrap();
    let status = run(podman.sandbox().command("cat").arg(format!("/proc/{}/status", pid.trim()))).unwrap();
    let ids = status.lines().find(|line| line.starts_with("Uid:")).expect("ids");
    assert_eq!(ids.split_whitespace().skip(1).collect::<Vec<_>>(), ["265533"; 4], "{ids}");
    podman.cli(&["rm", "--force", "--volumes", "--time=0", "service", "mariadb"]).unwrap();
    play_pod(&podman, &docker);
}

#[test]
fn the_quadlet_unit_becomes_a_systemd_unit_with_its_options() {
    let units = TempDir::new().unwrap();
    fs::copy(artifacts::root().join("deploy/podman/orders.container"), units.path().join("orders.container")).unwrap();
    let mut generator = Command::new("/usr/lib/systemd/system-generators/podman-system-generator");
    let unit = run(generator.arg("--dryrun").env("QUADLET_UNIT_DIRS", units.path())).unwrap();
    let start = unit.lines().find(|line| line.starts_with("ExecStart=")).expect("a start").to_owned();
    for option in [
        "--platform=wasi/wasm",
        "--read-only",
        "--cap-drop all",
        "--user 65534:65534",
        "--secret orders-database-url",
        "--ulimit nofile=8192:8192",
        "--dns-option timeout:1",
    ] {
        assert!(start.contains(option), "no {option} in {start}");
    }
    assert!(unit.contains("[Service]") && unit.contains("Restart=always"), "{unit}");
    let stops: Vec<&str> = unit.lines().filter(|line| line.starts_with("ExecStop=")).collect();
    assert!(stops.len() == 2 && stops[0].contains("/drain") && stops[1].contains("podman rm"), "{stops:#?}");
}

#[test]
fn the_pod_with_tokens_drains_with_the_operators_token() {
    let docker = docker();
    let podman = Podman::start().unwrap();
    load_images(&podman, &docker);
    let tokens = Tokens::new(&docker);
    let file = fs::read_to_string(tokens.directory().join("tokens")).unwrap().replace('\n', "\n    ");
    let secrets = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: orders-secrets}}\nstringData:\n  password: one\n  \
         root_password: two\n  database_url: mysql://orders:one@127.0.0.1:3306/orders\n  operator_token: {}\n---\n\
         apiVersion: v1\nkind: Secret\nmetadata: {{name: orders-tokens}}\nstringData:\n  tokens: |\n    {file}\n",
        tokens.operator
    );
    let pod = fs::read_to_string(artifacts::root().join("deploy/podman/orders.yaml")).unwrap();
    let pod = pod.lines().map(|line| match line.split_once('#') {
        Some((indent, rest)) if rest.ends_with("# orders-tokens") => format!("{indent}{rest}\n"),
        _ => format!("{line}\n"),
    });
    let (secrets_file, pod_file) = (podman.file("secrets.yaml"), podman.file("orders.yaml"));
    fs::write(&secrets_file, secrets).unwrap();
    fs::write(&pod_file, pod.collect::<String>()).unwrap();
    let pod_file = pod_file.display().to_string();
    podman.cli(&["kube", "play", &secrets_file.display().to_string()]).unwrap();
    podman.cli(&["kube", "play", "--publish", "127.0.0.1:8080:8080", &pod_file]).unwrap();
    wait_until_ready(&podman, "orders-service");
    tokens.check_service();
    let status = thread::scope(|scope| {
        let wait = scope.spawn(|| podman.cli(&["wait", "orders-service"]));
        podman.cli(&["kube", "down", &pod_file]).unwrap();
        wait.join().expect("a thread").unwrap()
    });
    assert_eq!(status.trim(), "0", "it was not drained");
}

/// The shell command of the unit's first ExecStop.
fn stop_command() -> String {
    let unit = fs::read_to_string(artifacts::root().join("deploy/podman/orders.container")).unwrap();
    let stop = unit.lines().find_map(|line| line.strip_prefix("ExecStop=-/bin/sh -c '")).expect("a stop");
    stop.strip_suffix('\'').expect("a quote").to_owned()
}

#[test]
fn the_quadlet_units_stop_command_drains_the_service() {
    let docker = docker();
    let podman = Podman::start().unwrap();
    load_images(&podman, &docker);
    stop_by_the_units_command(&podman, None);
    stop_by_the_units_command(&podman, Some(&Tokens::new(&docker)));
}

fn stop_by_the_units_command(podman: &Podman, tokens: Option<&Tokens>) {
    podman.cli(&["network", "create", "--ignore", "orders"]).unwrap();
    start_database(podman);
    let run_orders = ["run", "--detach", "--name=orders", "--platform=wasi/wasm", "--network=orders"];
    let ports = ["--publish=127.0.0.1:8080:8080", "--publish=127.0.0.1:9090:9090", "--env=ADMIN_ADDR=0.0.0.0:9090"];
    let url = "--env=DATABASE_URL=mysql://orders:secret@mariadb:3306/orders";
    let volume = tokens.map(|tokens| format!("--volume={}:/run/tokens:ro", tokens.directory().display()));
    let mount: Vec<&str> =
        volume.iter().flat_map(|volume| [volume, "--env=API_TOKENS_FILE=/run/tokens/tokens"]).collect();
    podman.cli(&[&run_orders[..], &ports, &mount, &[url, "localhost/order-service:aot"]].concat()).unwrap();
    wait_until_ready(podman, "orders");

    // The command's `podman` is this test's Podman.
    let bin = TempDir::new().unwrap();
    let command = podman.command();
    let words: Vec<_> =
        [command.get_program()].into_iter().chain(command.get_args()).map(|word| word.to_string_lossy()).collect();
    // The script must not find itself on PATH.
    let script = format!("#!/bin/sh\nexport PATH=\"${{PATH#*:}}\"\nexec {} \"$@\"\n", words.join(" "));
    fs::write(bin.path().join("podman"), script).unwrap();
    fs::set_permissions(bin.path().join("podman"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.path().display(), std::env::var("PATH").unwrap());
    let token_file = tokens.map_or_else(|| PathBuf::from("/dev/null"), Tokens::operator_file);
    let mut stop = Command::new("sh");
    stop.args(["-c", &stop_command()]).env("PATH", path).env("OPERATOR_TOKEN_FILE", token_file);
    let status = run(&mut stop).unwrap();

    // A killed process would have another status and no final log line.
    assert_eq!(status.trim(), "0");
    let log = podman.cli(&["logs", "orders"]).unwrap();
    assert!(log.contains("shutdown requested") && log.contains("shut down"), "{log}");
    podman.cli(&["rm", "--force", "--volumes", "--time=0", "orders", "mariadb"]).unwrap();
}
