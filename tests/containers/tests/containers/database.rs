//! The MariaDB image from Debian's packages: its variables, and its treatment of volumes.

use std::process::Output;
use std::time::Duration;

use testkit::engine::run;
use testkit::wait_until;

use crate::support::{Docker, docker, shell};

/// A volume that is removed on drop, with its containers.
struct Volume<'docker>(&'docker Docker, &'static str);

impl<'docker> Volume<'docker> {
    fn new(docker: &'docker Docker, name: &'static str) -> Self {
        docker.cli(&["volume", "create", name]);
        Self(docker, name)
    }

    /// Runs a shell command line in the volume and returns its standard output.
    fn shell(&self, line: &str) -> String {
        let volume = format!("{}:/var/lib/mysql", self.1);
        self.0.cli(&[
            "run",
            "--rm",
            "--volume",
            &volume,
            "--workdir",
            "/var/lib/mysql",
            "orders-mariadb",
            "sh",
            "-euc",
            line,
        ])
    }

    /// A container with the volume, not started.
    fn container(&self, options: &[&str]) -> String {
        let volume = format!("{}:/var/lib/mysql", self.1);
        let id = self.0.cli(&[&["create", "--volume", &volume][..], options, &["orders-mariadb"]].concat());
        id.trim().to_owned()
    }
}

impl Drop for Volume<'_> {
    fn drop(&mut self) {
        let line = "docker rm --force $(docker ps --all --quiet --filter volume=$0) && docker volume rm $0";
        let _ = run(self.0.command("sh").args(["-c", line, self.1]));
    }
}

fn logs(docker: &Docker, container: &str) -> String {
    shell(docker, &format!("docker logs {container} 2>&1"))
}

fn wait_until_healthy(docker: &Docker, container: &str) {
    let healthy = || docker.engine().docker_cli(&["exec", container, "healthcheck.sh"]).is_ok();
    wait_until("a healthy database", Duration::from_secs(60), healthy)
        .unwrap_or_else(|error| panic!("{error:#}\n{}", logs(docker, container)));
}

/// Starts a container that must fail, and waits for its end.
fn failed_start(docker: &Docker, container: &str) -> (String, Output) {
    let output = docker.engine().command("timeout").args(["60", "docker", "start", "--attach", container]).output();
    let output = output.expect("docker");
    (String::from_utf8_lossy(&output.stderr).into_owned(), output)
}

#[test]
fn the_database_image_quotes_names_and_passwords_and_fills_a_volume_once() {
    let docker = docker();
    let name = "awkward-database";
    let password = r#"it's "\ a `$pass"#;
    let start = |password: &str| {
        let password = format!("MARIADB_PASSWORD={password}");
        let variables = ["--env", "MARIADB_DATABASE=da-ta`base", "--env", "MARIADB_USER=o'user", "--env", &password];
        docker.cli(
            &[
                &["run", "--detach", "--name", name, "--volume", "awkward:/var/lib/mysql"][..],
                &variables,
                &["orders-mariadb"],
            ]
            .concat(),
        );
        wait_until_healthy(&docker, name);
    };
    let ask = |statement: &str| {
        let secret = format!("MYSQL_PWD={password}");
        docker.cli(&[
            "exec",
            "--env",
            &secret,
            name,
            "mariadb",
            "-h127.0.0.1",
            "-uo'user",
            "-NBe",
            statement,
            "da-ta`base",
        ])
    };
    start(password);
    ask("CREATE TABLE kept (n INT); INSERT INTO kept VALUES (7)");
    docker.cli(&["rm", "--force", name]);
    start("another one, which has no effect on a filled volume");
    let kept = ask("SELECT n FROM kept");
    docker.cli(&["rm", "--force", name]);
    docker.cli(&["volume", "rm", "awkward"]);
    assert_eq!(kept, "7\n");
}

#[test]
fn the_database_image_leaves_a_foreign_volume_unchanged() {
    let docker = docker();
    let volume = Volume::new(&docker, "foreign");
    volume.shell("chown root:root . && mkdir -p lost+found letters .git && echo dear >letters/first");
    let all = "find . -printf '%p %u %s %T@\\n' | sort";
    let before = volume.shell(all);
    assert!(before.contains("./letters/first root 5"), "{before}");
    let (message, output) = failed_start(&docker, &volume.container(&[]));
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert_eq!(message, "mariadb: /var/lib/mysql is not empty and holds no database: nothing was changed\n");
    assert_eq!(volume.shell(all), before);
}

#[test]
fn the_database_image_recovers_from_an_interrupted_initialization() {
    let docker = docker();
    let volume = Volume::new(&docker, "interrupted");
    volume.shell("mkdir lost+found");
    let container = volume.container(&[]);
    docker.cli(&["start", &container]);
    let initializing = || logs(&docker, &container).contains("initializing");
    wait_until("the initialization", Duration::from_secs(30), initializing).unwrap();
    docker.cli(&["kill", &container]);
    assert_eq!(volume.shell("ls -A"), ".filling-orders-mariadb\nlost+found\n", "it was killed too late");
    // As if it had been interrupted while it moved the files to their final paths.
    volume.shell("touch ibdata1 half-moved");
    docker.cli(&["start", &container]);
    wait_until_healthy(&docker, &container);
    let there = volume.shell("ls -A");
    assert!(there.contains("lost+found") && there.contains("ibdata1"), "{there}");
    assert!(!there.contains("half-moved") && !there.contains(".filling"), "{there}");
}

#[test]
fn the_database_image_reports_an_unreadable_password_file() {
    let docker = docker();
    let volume = Volume::new(&docker, "unfilled");
    for name in ["MARIADB_PASSWORD_FILE", "MARIADB_ROOT_PASSWORD_FILE"] {
        let variable = format!("{name}=/nowhere");
        let (message, output) =
            failed_start(&docker, &volume.container(&["--env", "MARIADB_USER=orders", "--env", &variable]));
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert_eq!(message, format!("mariadb: {name}: cannot read /nowhere\n"));
    }
    assert_eq!(volume.shell("ls -A"), "");
}
