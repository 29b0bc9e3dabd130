//! `scripts/step.sh`: what the commands of the Makefile show of their steps, with a terminal and without.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use testkit::{TempDir, artifacts, wait_until};

/// For a command to start or to end.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What a run of the script printed, and its status.
struct Run {
    text: String,
    status: Option<i32>,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        Self { text, status: output.status.code() }
    }
}

fn prepare(mut command: Command, cache: &TempDir) -> Command {
    command.current_dir(artifacts::root()).env("XDG_CACHE_HOME", cache.path()).env_remove("CI").env_remove("LOG");
    command
}

/// Runs the script without a terminal.
fn plain(cache: &TempDir, arguments: &[&str]) -> Run {
    let mut command = prepare(Command::new("scripts/step.sh"), cache);
    command.args(arguments).stdin(Stdio::null()).output().unwrap().into()
}

/// A command that runs the script on a terminal of a hundred columns.
fn terminal(cache: &TempDir, arguments: &str) -> Command {
    let mut command = prepare(Command::new("script"), cache);
    command
        .env("TERM", "xterm")
        .arg("-qec")
        .arg(format!("stty cols 100; scripts/step.sh {arguments}"))
        .arg("/dev/null");
    command
}

fn on_terminal(cache: &TempDir, arguments: &str) -> Run {
    terminal(cache, arguments).stdin(Stdio::null()).output().unwrap().into()
}

/// The text with `N` in place of each number of seconds, which depends on the machine.
fn without_times(text: &str) -> String {
    let words: Vec<&str> = text.split_inclusive([' ', '\n', '(']).collect();
    let is_seconds = |index: usize| words.get(index + 1).is_some_and(|next| next.starts_with('s'));
    let replaced = words.iter().enumerate().map(|(index, word)| match word.trim_end().parse::<u32>() {
        Ok(_) if is_seconds(index) => "N ",
        _ => word,
    });
    replaced.collect()
}

/// The states of the line that is drawn again and again.
fn states(text: &str) -> Vec<&str> {
    text.split("\r\u{1b}[K").collect()
}

#[test]
fn without_a_terminal_the_whole_output_stands_between_two_lines() {
    let cache = TempDir::new().unwrap();
    let run = plain(&cache, &["a step", "sh", "-c", "echo one; echo two >&2"]);
    let expected = "\n== a step: sh -c echo one; echo two >&2\none\ntwo\n== a step: N s\n";
    assert_eq!(without_times(&run.text), expected);
    assert_eq!(run.status, Some(0));
    let run = plain(&cache, &["a step", "sh", "-c", "echo why; exit 3"]);
    assert!(run.text.contains("why\n"), "{}", run.text);
    assert_eq!(run.status, Some(3));
}

#[test]
fn the_next_run_says_how_long_the_last_good_one_took() {
    let cache = TempDir::new().unwrap();
    assert_eq!(plain(&cache, &["slow", "sleep", "1.1"]).status, Some(0));
    assert_eq!(plain(&cache, &["slow", "false"]).status, Some(1));
    let run = plain(&cache, &["slow", "true"]);
    let last_time = |seconds: &str| run.text.contains(&format!("== slow (last time {seconds} s): true"));
    assert!(last_time("1") || last_time("2"), "{}", run.text);
    // A file that something else has written is no reason to fail.
    fs::write(cache.path().join("order-service/steps/slow"), "nonsense\n").unwrap();
    let run = plain(&cache, &["slow", "true"]);
    assert!(run.text.contains("== slow: true") && run.status == Some(0), "{}", run.text);
}

#[test]
fn on_a_terminal_a_bar_grows_and_the_output_of_a_success_is_hidden() {
    let cache = TempDir::new().unwrap();
    let run = on_terminal(&cache, "'a step' sh -c 'echo working; sleep 2.2'");
    assert_eq!(run.status, Some(0));
    let all = states(&run.text);
    assert!(all.iter().any(|state| state.starts_with("a step [....................] ")), "{all:?}");
    assert!(all.iter().any(|state| state.ends_with("  working")), "{all:?}");
    assert!(all.last().unwrap().starts_with("ok      a step: "), "{all:?}");
    assert!(!run.text.contains("working\r\n"), "{all:?}");

    fs::write(cache.path().join("order-service/steps/a_step"), "2 0\n").unwrap();
    let run = on_terminal(&cache, "'a step' sleep 4.5");
    let all = states(&run.text);
    let has = |start: &str| all.iter().any(|state| state.starts_with(start));
    assert!(has("a step [##########..........] 1 s (last time 2 s)"), "{all:?}");
    // It may take longer than last time; the bar is full only at the end.
    assert!(has("a step [###################.] 3 s (last time 2 s)"), "{all:?}");
}

#[test]
fn a_failure_shows_the_output() {
    let cache = TempDir::new().unwrap();
    let run = on_terminal(&cache, "'a step' sh -c 'echo why; echo because; exit 3'");
    assert_eq!(run.status, Some(3));
    assert!(run.text.contains("why\r\nbecause\r\nFAILED  a step: "), "{:?}", run.text);
}

const TESTS: &str = "'printf \"test a::b ... ok\\ntest c ... FAILED\\n\"; sleep 1; \
                     printf \"test d ... ok\\n\\nfailures:\\n\\n---- c stdout ----\\nwrong\\n\"; exit 101'";

#[test]
fn tests_are_counted_and_only_failures_are_shown() {
    let cache = TempDir::new().unwrap();
    fs::create_dir_all(cache.path().join("order-service/steps")).unwrap();
    fs::write(cache.path().join("order-service/steps/unit"), "9 4\n").unwrap();
    let run = on_terminal(&cache, &format!("--tests unit sh -c {TESTS}"));
    assert_eq!(run.status, Some(101));
    let all = states(&run.text);
    let is_half = |state: &&str| state.starts_with("unit [##########..........] 2 of 4 tests, 1 failed, ");
    assert!(all.iter().any(is_half), "{all:?}");
    let end = "---- c stdout ----\r\nwrong\r\nFAILED  unit: 3 tests, N s (last time N s)";
    assert!(without_times(&run.text).contains(end), "{all:?}");
    assert!(!run.text.contains("test a::b ... ok\r\n"), "{all:?}");
}

#[test]
fn shown_output_stands_above_the_line() {
    let cache = TempDir::new().unwrap();
    let run = on_terminal(&cache, "--show bench sh -c 'echo first; sleep 1.2; echo second'");
    let (first, second) = (run.text.find("first\r\n").unwrap(), run.text.rfind("second\r\n").unwrap());
    assert!(first < second && second < run.text.find("ok      bench").unwrap(), "{:?}", run.text);
}

#[test]
fn a_long_line_is_cut_to_the_terminal() {
    let cache = TempDir::new().unwrap();
    let run = on_terminal(&cache, "'a step' sh -c 'printf %0300d 7; sleep 0.7'");
    let all = states(&run.text);
    assert!(all.iter().any(|state| state.len() == 99), "{all:?}");
    assert!(all.iter().all(|state| state.len() < 100), "{all:?}");
}

#[test]
fn ctrl_c_ends_the_command_and_what_it_runs() {
    let cache = TempDir::new().unwrap();
    let pids = cache.path().join("pids");
    let script = format!("'a step' sh -c 'echo $$ >{}; sleep 60; echo no'", pids.display());
    let mut child = terminal(&cache, &script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    let has_started = || !fs::read_to_string(&pids).unwrap_or_default().is_empty();
    wait_until("the command", TIMEOUT, has_started).unwrap();
    child.stdin.as_mut().unwrap().write_all(b"\x03").unwrap();
    let run = Run::from(child.wait_with_output().unwrap());
    assert_eq!(run.status, Some(130), "{:?}", run.text);
    assert!(run.text.contains("a step: stopped after"), "{:?}", run.text);
    assert!(start.elapsed() < Duration::from_secs(30), "the command went on");
    for pid in fs::read_to_string(&pids).unwrap().split_whitespace() {
        wait_until("its end", TIMEOUT, || !Path::new("/proc").join(pid).exists()).unwrap();
    }
}
