//! Backup and restore under Compose, by the commands of docs/OPERATIONS.md.

use std::fs;

use testkit::{TempDir, artifacts, wait_until};

use crate::support::{Docker, READY_TIMEOUT, docker, order_ids, shell, walk_through};

/// The block of docs/OPERATIONS.md with that marker, to be run in another directory.
fn commands(name: &str, directory: &str) -> String {
    let page = fs::read_to_string(artifacts::root().join("docs/OPERATIONS.md")).unwrap();
    let (_, rest) = page.split_once(&format!("<!-- {name} -->\n```console\n")).expect("the block");
    let block = rest.split("```").next().expect("its end");
    format!("set -e\n{}", block.replace("orders.sql", &format!("{directory}/orders.sql")))
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
    shell(&docker, &commands("compose-backup", &path));

    // make restore, into an empty database of the same server. The engine's network is this machine's.
    let root = "docker compose exec -T mariadb sh -c 'MYSQL_PWD=$(cat /run/secrets/root_password) mariadb --user=root'";
    shell(&docker, &format!("echo 'CREATE DATABASE restored; GRANT ALL ON restored.* TO orders;' | {root}"));
    let password = project.compose(&["exec", "-T", "mariadb", "cat", "/run/secrets/password"]);
    let host = address(&docker, &project.containers("mariadb")[0]);
    let url = format!("mysql://orders:{}@{host}:3306/restored", password.trim());
    shell(&docker, &format!("DATABASE_URL='{url}' make restore FILE={path}/orders.sql.gz"));
    let count = shell(&docker, &format!("echo 'SELECT GROUP_CONCAT(order_id) FROM restored.orders' | {root}"));
    assert!(count.contains("1,3,4,5"), "{count}");

    project.compose(&["down", "--volumes"]);
    shell(&docker, &commands("compose-restore", &path).replace("--detach", "--detach --no-build"));
    wait_until("the service", READY_TIMEOUT, || {
        shell(&docker, "curl -s http://localhost:8080/orders || true") == before
    })
    .unwrap_or_else(|error| panic!("{error:#}\n{}", project.logs()));
    assert_eq!(order_ids(&docker), [1, 3, 4, 5]);
}
