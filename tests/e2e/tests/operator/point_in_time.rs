//! Recovery to a point in time, by the commands of docs/OPERATIONS.md.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use testkit::{MariaDb, TempDir, artifacts};

use super::backups::{command, succeed};
use e2e::{TestApp, orders};

/// The settings of the server that the page asks for.
const BINARY_LOG: [&str; 4] = ["--log-bin=binlog", "--binlog-format=ROW", "--sync-binlog=1", "--server-id=1"];

/// The two commands of the page.
fn commands() -> [String; 2] {
    let page = fs::read_to_string(artifacts::root().join("docs/OPERATIONS.md")).unwrap();
    let (_, rest) = page.split_once("<!-- point-in-time -->\n```console\n").expect("the block");
    let block = rest.split("```").next().expect("its end");
    let commands: Vec<String> = block.lines().map(str::to_owned).collect();
    commands.try_into().expect("two commands")
}

fn shell(line: &str, server: &MariaDb) -> String {
    let url = server.url("");
    let account = url.strip_prefix("mysql://").and_then(|rest| rest.split('@').next()).expect("an account");
    let password = account.split_once(':').map_or("", |(_, password)| password);
    let script = format!("set -o pipefail; {line}");
    succeed(&Command::new("bash").args(["-c", &script]).env("MYSQL_PWD", password).output().expect("bash"))
}

/// The files of the server's binary log from this one on.
fn logs_from(server: &MariaDb, first: &str) -> Vec<PathBuf> {
    let names = fs::read_dir(server.data_dir()).unwrap().map(|entry| entry.unwrap().path());
    let is_log = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.strip_prefix("binlog.").is_some_and(|number| number.parse::<u32>().is_ok()) && *name >= *first
    };
    let mut logs: Vec<_> = names.filter(is_log).collect();
    logs.sort();
    logs
}

/// Starts two servers.
mod slow {
    use super::*;

    #[test]
    fn the_moment_before_a_mistake_is_restored_from_a_backup_and_the_binary_log() {
        let builder = BINARY_LOG.into_iter().fold(MariaDb::builder(), |builder, option| builder.option(option));
        let server = Arc::new(builder.start().unwrap());
        let app = TestApp::setup().server(&server).start();
        app.post("/create_orders", orders(1..=50)).expect_done();
        let dir = TempDir::new().unwrap();
        let mut backup = command(&server.url(app.database()), &["backup", &dir.path().display().to_string()]);
        let file = succeed(&backup.env("BACKUP_BINLOG", "true").output().expect("sh"));
        app.post("/create_orders", orders(51..=60)).expect_done();
        app.sql("FLUSH BINARY LOGS");
        app.delete("/orders/3").expect(204);
        let before = app.get("/orders").expect(200).text();
        // The mistake has a time of its own, a minute later.
        app.sql("SET timestamp = UNIX_TIMESTAMP() + 60; DELETE FROM orders WHERE order_id < 40");
        assert_eq!(app.count_orders(), 21);

        let other = Arc::new(MariaDb::start().unwrap());
        other.create_database(app.database()).unwrap();
        succeed(&command(&other.url(app.database()), &["restore", &file]).output().expect("sh"));
        let [find, apply] = commands();
        // grep ends before gzip has written all.
        let position = shell(&format!("{} || true", find.replace("FILE", &file)), &other);
        let mut quoted = position.split('\'').skip(1);
        let log = quoted.next().expect("a file").to_owned();
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let start = digits(quoted.next().expect("a position"));
        let logs: Vec<String> = logs_from(&server, &log).iter().map(|path| path.display().to_string()).collect();
        assert!(logs.len() >= 2, "{logs:?} from {log}");
        let apply = apply
            .replace("POSITION", &start)
            .replace("'2026-11-21 10:15:00'", "\"$(date --date '30 seconds' '+%F %T')\"")
            .replace("--database=orders", &format!("--database={}", app.database()))
            .replace("LOG…", &logs.join(" "))
            .replace(
                "| mariadb",
                &format!("| mariadb --no-defaults --user=root --socket={}", other.socket().display()),
            );
        shell(&apply, &other);

        let restored = TestApp::setup().server(&other).database(app.database()).start();
        assert_eq!(restored.get("/orders").expect(200).text(), before);
    }
}
