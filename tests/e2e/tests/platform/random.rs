//! Random numbers: an attacker who knows WasmEdge's generator learns nothing of the service's TLS keys.

use std::process::Command;
use std::time::Duration;

use random_search::{Sample, find_seeds};
use testkit::{Process, TempDir, artifacts, ports, runtime};

use e2e::Guest;
use e2e::fake_database::FakeDatabase;

/// The directory with the kernel's random numbers, as the documentation advises to allow it.
const KERNEL_RANDOM: &str = "/proc/sys/kernel/random:/proc/sys/kernel/random:readonly";

/// WasmEdge with the service, which may open these directories of the host and speaks TLS with that database.
fn service(database: &FakeDatabase, directories: &[&str]) -> Command {
    let port = ports::free().expect("a port");
    let module = artifacts::wasm().expect("the service's module");
    let mut command = runtime::command(&module);
    command.args(directories.iter().flat_map(|directory| ["--dir", directory]));
    let url = database.url("?require_ssl=true");
    command.args(["--env", &format!("DATABASE_URL={url}"), "--env", &format!("LISTEN_ADDR=127.0.0.1:{port}")]);
    command.arg(module);
    command
}

/// The client's random number and its session id, from the first message of TLS (RFC 8446, section 4.1.2).
///
/// The service may open these directories of the host.
fn tls_random_numbers(directories: &[&str]) -> [Sample; 2] {
    let database = FakeDatabase::bind();
    let dir = TempDir::new().expect("a directory");
    let process = Process::start(&service(&database, directories), &dir.path().join("log")).expect("WasmEdge starts");
    let mut connection = database.accept();
    connection.greet(true);
    assert!(connection.receive().is_some_and(|request| request.len() == 32), "no request for TLS: {}", process.log());
    let hello = connection.receive_tls_record().expect("a ClientHello");
    // Before them: type and length of the message, version of the protocol; between them: the session id's length.
    let bytes = |start: usize| Sample::try_from(&hello[start..start + 32]).expect("32 bytes");
    [bytes(6), bytes(39)]
}

/// 32 bytes of one call of the runtime's `random_get`.
fn runtime_random_numbers() -> Sample {
    let guest = Guest::random();
    guest.process().wait(Duration::from_secs(10)).expect("an end");
    let digits = guest.process().log();
    let byte = |index: usize| u8::from_str_radix(&digits[2 * index..2 * index + 2], 16).expect("hexadecimal digits");
    std::array::from_fn(byte)
}

#[test]
fn no_seed_of_the_runtimes_generator_gives_the_numbers_of_tls() {
    let samples =
        [tls_random_numbers(&[KERNEL_RANDOM]), tls_random_numbers(&["/dev:/dev:readonly"]), tls_random_numbers(&[])]
            .concat();
    let known = runtime_random_numbers();
    let mut found = find_seeds(&[&samples[..], &[known]].concat());
    assert!(found.pop().flatten().is_some(), "the search does not find the runtime's own numbers");
    assert_eq!(found, [None; 6], "the seeds of TLS's random numbers were found");
    assert!((1..samples.len()).all(|index| !samples[..index].contains(&samples[index])), "a number is repeated");
}

/// A library that makes each new seed of WasmEdge's generator the same one: all calls together have 30 bits then.
/// WasmEdge 0.14 itself never has less than 128.
const CONSTANT_SEED: &str = "unsigned _ZNSt13random_device9_M_getvalEv(void *device) { (void)device; return 4711; }";

#[test]
fn without_128_random_bits_a_service_with_tls_does_not_start() {
    let dir = TempDir::new().expect("a directory");
    let (source, library) = (dir.path().join("seed.c"), dir.path().join("seed.so"));
    std::fs::write(&source, CONSTANT_SEED).expect("a file");
    let compiler = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).status();
    assert!(compiler.expect("cc").success());
    let database = FakeDatabase::bind();
    let start = |directories: &[&str], log: &str| {
        let mut command = service(&database, directories);
        command.env("LD_PRELOAD", &library);
        Process::start(&command, &dir.path().join(log)).expect("WasmEdge starts")
    };

    let process = start(&[], "without");
    let status = process.wait(Duration::from_secs(20)).expect("an end");
    assert_eq!(status.code(), Some(64), "{}", process.log());
    assert!(process.log().contains("--dir /proc/sys/kernel/random"), "{}", process.log());

    // The kernel's numbers suffice.
    let process = start(&[KERNEL_RANDOM], "with");
    let mut connection = database.accept();
    connection.greet(true);
    assert!(connection.receive().is_some_and(|request| request.len() == 32), "no request for TLS: {}", process.log());
}
