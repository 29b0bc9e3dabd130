//! `make backup` and `make restore`: `scripts/backup.sh`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use testkit::{MariaDb, TempDir, artifacts};

use e2e::{TestApp, orders, wait_until};

/// Runs `scripts/backup.sh` for a database.
fn script(url: &str, arguments: &[&str]) -> Output {
    command(url, arguments).output().expect("sh")
}

/// The command that does this.
pub(super) fn command(url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(artifacts::root().join("scripts/backup.sh"));
    command.args(arguments).env("DATABASE_URL", url).env_remove("DATABASE_URL_FILE");
    command
}

#[track_caller]
pub(super) fn succeed(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[track_caller]
fn failure(output: &Output) -> String {
    assert!(!output.status.success(), "it should have failed");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn back_up(app: &TestApp, directory: &Path) -> PathBuf {
    let file = succeed(&script(&app.server().url(app.database()), &["backup", &directory.display().to_string()]));
    PathBuf::from(file)
}

#[test]
fn a_backup_restores_into_an_empty_database_and_the_service_goes_on() {
    let dir = TempDir::new().unwrap();
    let app = TestApp::spawn();
    app.post("/create_orders", orders(1..=2000)).expect_done();
    // Characters of all planes, quotes and a backslash.
    app.sql("UPDATE orders SET shipping_address = 'Straße 1 😀 \\'\\\\\"' WHERE order_id = 7");
    let file = back_up(&app, dir.path());
    let before = app.get("/orders").expect(200).text();
    let target = MariaDb::shared().unwrap().fresh_database_name().unwrap();
    let url = MariaDb::shared().unwrap().url(&target);
    succeed(&script(&url, &["restore", &file.display().to_string()]));
    let restored = TestApp::setup().database(&target).env(&[("AUTO_INIT", "false")]).start();
    assert_eq!(restored.get("/orders").expect(200).text(), before);
    // The next id, too.
    let body = r#"{"product_id":7,"quantity":1,"amount":19.99,"shipping":0,"tax":1.6,"shipping_address":"1 Quay"}"#;
    let created = restored.send("POST", "/orders", &[("Content-Type", "application/json")], Some(body.as_bytes()));
    assert_eq!(created.expect(201).json()["order_id"], 2001);
}

#[test]
fn a_backup_under_writes_is_one_moment_of_the_database() {
    let dir = TempDir::new().unwrap();
    let app = TestApp::spawn();
    // Each batch has 50 orders in one transaction.
    let batch = |number: u32| app.post("/create_orders", orders(number * 50 + 1..=number * 50 + 50)).expect_done();
    let done = std::sync::atomic::AtomicBool::new(false);
    let file = std::thread::scope(|scope| {
        batch(0);
        let backup = scope.spawn(|| {
            let file = back_up(&app, dir.path());
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            file
        });
        let mut number = 1;
        while !done.load(std::sync::atomic::Ordering::Relaxed) {
            batch(number);
            number += 1;
        }
        backup.join().expect("a backup")
    });
    let server = MariaDb::shared().unwrap();
    let target = server.fresh_database_name().unwrap();
    succeed(&script(&server.url(&target), &["restore", &file.display().to_string()]));
    let count: u32 = server.sql(&target, "SELECT COUNT(*) FROM orders").unwrap().trim().parse().unwrap();
    assert!(count >= 50 && count % 50 == 0, "{count} orders: a batch is there in part");
}

#[test]
fn a_restore_refuses_a_database_with_tables_and_a_damaged_file() {
    let dir = TempDir::new().unwrap();
    let app = TestApp::spawn();
    app.post("/create_orders", orders(1..=3)).expect_done();
    let file = back_up(&app, dir.path());
    let url = app.server().url(app.database());
    let message = failure(&script(&url, &["restore", &file.display().to_string()]));
    assert!(message.contains("has 3 tables: nothing was changed"), "{message}");
    assert_eq!(app.count_orders(), 3);

    let bytes = fs::read(&file).unwrap();
    let mut damaged = bytes.clone();
    // In the checksum: the text is complete, but not the one that was written.
    let checksum = bytes.len() - 8;
    damaged[checksum] ^= 1;
    let empty = MariaDb::shared().unwrap().fresh_database_name().unwrap();
    let url = MariaDb::shared().unwrap().url(&empty);
    for (name, bytes) in [("short", &bytes[..bytes.len() / 2]), ("damaged", &damaged), ("empty", &[])] {
        let copy = dir.path().join(format!("{name}.sql.gz"));
        fs::write(&copy, bytes).unwrap();
        let message = failure(&script(&url, &["restore", &copy.display().to_string()]));
        assert!(message.contains("is not a complete backup"), "{name}: {message}");
        assert_eq!(MariaDb::shared().unwrap().sql(&empty, "SHOW TABLES").unwrap(), "", "{name}");
    }
}

#[test]
fn a_backup_that_fails_leaves_no_file_and_shows_no_password() {
    let dir = TempDir::new().unwrap();
    let port = MariaDb::shared().unwrap().port();
    let target = dir.path().display().to_string();
    for url in [format!("mysql://nobody:hunter2@127.0.0.1:{port}/orders"), "mysql://root:hunter2@127.0.0.1:1/x".into()]
    {
        let message = failure(&script(&url, &["backup", &target]));
        assert!(message.contains("nothing was kept") && !message.contains("hunter2"), "{message}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_password_in_the_url_may_be_percent_encoded() {
    let dir = TempDir::new().unwrap();
    let app = TestApp::spawn();
    let (server, database) = (app.server(), app.database());
    // p@ss:w/o"r\d%
    server.sql("", &format!("CREATE USER '{database}' IDENTIFIED BY 'p@ss:w/o\"r\\\\d%'")).unwrap();
    server.sql("", &format!("GRANT SELECT ON `{database}`.* TO '{database}'")).unwrap();
    let account = format!("{database}:p%40ss%3Aw%2Fo%22r%5Cd%25");
    let url = format!("mysql://{account}@127.0.0.1:{}/{database}", server.port());
    let file = succeed(&script(&url, &["backup", &dir.path().display().to_string()]));
    assert!(Path::new(&file).exists());
}

#[test]
fn old_backups_are_removed_beyond_the_number_to_keep() {
    let dir = TempDir::new().unwrap();
    let app = TestApp::spawn();
    for day in 1..=4 {
        fs::write(dir.path().join(format!("orders-2026010{day}T000000Z.sql.gz")), "").unwrap();
    }
    fs::write(dir.path().join("other.sql.gz"), "").unwrap();
    let mut command = Command::new(artifacts::root().join("scripts/backup.sh"));
    command.args(["backup", &dir.path().display().to_string()]).env("BACKUP_KEEP", "2");
    command.env("DATABASE_URL", app.server().url(app.database())).env_remove("DATABASE_URL_FILE");
    let newest = succeed(&command.output().expect("sh"));
    let names = || {
        let entries = fs::read_dir(dir.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().path().display().to_string()).collect();
        names.sort();
        names
    };
    wait_until("the removal", || names().len() == 3);
    let kept = names();
    assert!(kept.contains(&newest) && kept.iter().any(|name| name.ends_with("other.sql.gz")), "{kept:?}");
    assert!(kept.iter().any(|name| name.ends_with("orders-20260104T000000Z.sql.gz")), "{kept:?}");
}
