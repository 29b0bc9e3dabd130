//! The module reads the files that it is given, and no others.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use testkit::service::{FileAccess, wasmedge};
use testkit::{MariaDb, Process, TempDir, artifacts, ports};

use e2e::{Client, wait_for, wait_until};

use super::tool;

/// A file with a database URL in a directory of its own.
fn url_file(dir: &TempDir) -> PathBuf {
    let path = dir.path().join("url");
    fs::write(&path, "mysql://orders:hunter2@127.0.0.1:1/orders").unwrap();
    path
}

/// The service reads the files before this variable, so a complaint about it shows that it could read them.
const WRONG: (&str, &str) = ("MAX_STREAMS", "nonsense");

/// Starts the service with a file, and a wrong value that ends it: its output.
fn start(access: &FileAccess, file: &Path) -> String {
    let file = file.display().to_string();
    let variables = [("DATABASE_URL_FILE", file.as_str()), WRONG];
    let output = wasmedge(&artifacts::wasm().unwrap(), access, variables.into_iter()).output().unwrap();
    assert_eq!(output.status.code(), Some(64), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_file_in_another_directory_cannot_be_read() {
    let (allowed, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let mut access = FileAccess::default();
    access.allow(&url_file(&allowed)).unwrap();
    let secret = url_file(&other);
    // Neither by its own path, nor by a symbolic link or a parent directory from where the module may read.
    symlink(&secret, allowed.path().join("link")).unwrap();
    let sibling = allowed.path().join("..").join(other.path().file_name().unwrap()).join("url");
    assert!(sibling.exists());
    for path in [secret, allowed.path().join("link"), sibling, PathBuf::from("/etc/passwd")] {
        let output = start(&access, &path);
        assert!(output.contains("cannot be read") && !output.contains("hunter2"), "{}: {output}", path.display());
    }
}

/// The program of `make run`.
fn make_run() -> Command {
    let mut command = tool("run");
    command.env_remove("DATABASE_URL").env_remove("DATABASE_URL_FILE");
    command
}

/// The command line of the WasmEdge process that has `argument`.
fn wasmedge_with(argument: &str) -> Option<Vec<String>> {
    let processes = fs::read_dir("/proc").ok()?.filter_map(Result::ok);
    let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    let words = |line: &[u8]| -> Vec<String> {
        line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
    };
    let mut commands = lines.map(|line| words(&line));
    commands
        .find(|words| words.iter().any(|word| word == argument) && words.iter().any(|word| word.ends_with("wasmedge")))
}

#[test]
fn make_run_gives_the_module_the_directories_of_its_files_read_only() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("url");
    fs::write(&file, MariaDb::shared().unwrap().fresh_database().unwrap()).unwrap();
    let address = format!("127.0.0.1:{}", ports::free().unwrap());
    let mut command = make_run();
    command.env("LISTEN_ADDR", &address).env("DATABASE_URL_FILE", &file);
    let process = Process::start(&command, &dir.path().join("log")).unwrap();
    let client = Client::new(&format!("http://{address}"));
    let ready = || {
        assert!(process.is_running(), "{}", process.log());
        client.try_send("GET", "/ready", &[], None).is_ok_and(|response| response.status == 200)
    };
    wait_until("the service to be ready", ready);
    let words = wait_for("WasmEdge", || wasmedge_with(&format!("LISTEN_ADDR={address}")));
    let granted: Vec<&str> = words.windows(2).filter(|pair| pair[0] == "--dir").map(|pair| pair[1].as_str()).collect();
    let own = fs::canonicalize(dir.path()).unwrap().display().to_string();
    let expected = ["/proc/sys/kernel/random".to_owned(), own].map(|path| format!("{path}:{path}:readonly"));
    assert_eq!(granted, expected, "{words:?}");
}

#[test]
fn make_run_refuses_two_sources_of_the_database_url_as_the_service_does() {
    let dir = TempDir::new().unwrap();
    let mut command = make_run();
    command.env("DATABASE_URL", "mysql://orders:hunter2@127.0.0.1:1/orders").env("DATABASE_URL_FILE", url_file(&dir));
    let output = command.stdin(Stdio::null()).output().unwrap();
    let line = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{line}");
    assert_eq!(line.trim_end(), "make run: DATABASE_URL_FILE is set as well as DATABASE_URL; set one of them");
    let mut access = FileAccess::default();
    access.allow(&url_file(&dir)).unwrap();
    let file = url_file(&dir).display().to_string();
    let both = [("DATABASE_URL", "mysql://orders:hunter2@127.0.0.1:1/orders"), ("DATABASE_URL_FILE", file.as_str())];
    let service = wasmedge(&artifacts::wasm().unwrap(), &access, both.into_iter()).output().unwrap();
    let message = String::from_utf8_lossy(&service.stderr).into_owned();
    let own = line.trim_end().trim_start_matches("make run: ");
    assert!(message.contains(own), "the service says: {message}");
}

#[test]
fn cargo_run_gives_the_module_the_directories_of_its_files_read_only() {
    let (allowed, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let start = |file: &Path| {
        let mut command = Command::new(artifacts::root().join("scripts/wasmedge.sh"));
        command.arg(artifacts::wasm().unwrap()).env("DATABASE_URL_FILE", file).env(WRONG.0, WRONG.1);
        command.env_remove("DATABASE_URL");
        String::from_utf8_lossy(&command.output().unwrap().stderr).into_owned()
    };
    symlink(url_file(&other), allowed.path().join("link")).unwrap();
    for path in [url_file(&allowed), allowed.path().join("link")] {
        let output = start(&path);
        assert!(output.contains(WRONG.0) && !output.contains("cannot be read"), "{output}");
    }
}
