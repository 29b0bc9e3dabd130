//! Backup and restore under Compose, by the commands of docs/OPERATIONS.md.

use std::fs;
use std::path::Path;

use anyhow::Result;
use testkit::engine::run;
use testkit::{TempDir, artifacts, wait_until};

use crate::support::{Docker, READY_TIMEOUT, docker, order_ids, shell, walk_through};

/// The block of docs/OPERATIONS.md with that marker.
fn block(name: &str) -> String {
    let page = fs::read_to_string(artifacts::root().join("docs/OPERATIONS.md")).unwrap();
    let (_, rest) = page.split_once(&format!("<!-- {name} -->\n```console\n")).expect("the block");
    rest.split("```").next().expect("its end").to_owned()
}

/// Runs a block as it is on the page, in a directory of its own. The error has what the commands wrote.
fn run_block(docker: &Docker, name: &str, directory: &Path) -> Result<String> {
    // The image of this test has another base: a new build would need a registry.
    let commands = block(name).replace("up --detach", "up --no-build --detach");
    let mut shell = docker.command("sh");
    shell.current_dir(directory).env("COMPOSE_FILE", artifacts::root().join("docker-compose.yml"));
    run(shell.args(["-c", &commands]))
}

fn address(docker: &Docker, container: &str) -> String {
    let networks = docker.inspect(container)["NetworkSettings"]["Networks"].clone();
    let network = networks.as_object().and_then(|all| all.values().next()).cloned().unwrap_or_default();
    network["IPAddress"].as_str().expect("an address").to_owned()
}

#[test]
fn the_documented_backup_restores_by_make_restore_and_by_the_documented_command() {
    let docker = docker();
    let project = docker.started_project();
    walk_through(&docker);
    let before = shell(&docker, "curl -s http://localhost:8080/orders");
    let directory = TempDir::new().unwrap();
    let path = directory.path().display().to_string();
    let file = directory.path().join("orders.sql.gz");
    // A dump that fails leaves no backup.
    project.compose(&["stop", "mariadb"]);
    assert!(run_block(&docker, "compose-backup", directory.path()).is_err());
    assert!(!file.exists());
    project.compose(&["up", "--detach", "--no-build", "--wait", "mariadb"]);
    let output = run_block(&docker, "compose-backup", directory.path()).unwrap_or_else(|error| panic!("{error:#}"));
    assert!(output.contains("Dump completed"), "{output}");

    // make restore, into an empty database of the same server. The engine's network is this machine's.
    let root = "docker compose exec -T mariadb sh -c 'MYSQL_PWD=$(cat /run/secrets/root_password) mariadb --user=root'";
    shell(&docker, &format!("echo 'CREATE DATABASE restored; GRANT ALL ON restored.* TO orders;' | {root}"));
    let password = project.compose(&["exec", "-T", "mariadb", "cat", "/run/secrets/password"]);
    let host = address(&docker, &project.containers("mariadb")[0]);
    let url = format!("mysql://orders:{}@{host}:3306/restored", password.trim());
    shell(&docker, &format!("DATABASE_URL='{url}' make restore FILE={path}/orders.sql.gz"));
    let count = shell(&docker, &format!("echo 'SELECT GROUP_CONCAT(order_id) FROM restored.orders' | {root}"));
    assert!(count.contains("1,3,4,5"), "{count}");

    let message = run_block(&docker, "compose-restore", directory.path()).expect_err("the database has tables");
    assert!(format!("{message:#}").contains("nothing was changed"), "{message:#}");
    assert_eq!(order_ids(&docker), [1, 3, 4, 5]);

    project.compose(&["down", "--volumes"]);
    // A file that is cut starts nothing.
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    run_block(&docker, "compose-restore", directory.path()).expect_err("the file is cut");
    assert!(project.containers("mariadb").is_empty(), "the restore went on");

    fs::write(&file, whole).unwrap();
    run_block(&docker, "compose-restore", directory.path()).unwrap_or_else(|error| panic!("{error:#}"));
    wait_until("the service", READY_TIMEOUT, || {
        shell(&docker, "curl -s http://localhost:8080/orders || true") == before
    })
    .unwrap_or_else(|error| panic!("{error:#}\n{}", project.logs()));
    assert_eq!(order_ids(&docker), [1, 3, 4, 5]);
}
