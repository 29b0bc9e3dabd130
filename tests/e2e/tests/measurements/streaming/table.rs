//! `GET /orders` of a million rows.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use e2e::{RawConnection, TestApp};

/// Rows in the table.
const ROWS: u64 = 1_000_000;

/// By how much the process may grow while it sends them.
const GROWTH: u64 = 8 * 1024 * 1024;

/// Writes a million orders, past the service.
fn fill(app: &TestApp) {
    app.sql(&format!(
        "SET SESSION max_recursive_iterations = {ROWS}, max_statement_time = 0; \
         INSERT INTO orders WITH RECURSIVE seq (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM seq WHERE n < {ROWS}) \
         SELECT n, 1 + n % 1000, 1 + n % 9, n / 100, 15, n % 100 / 100, CONCAT('Mataderos ', n, ', 2312') FROM seq"
    ));
    assert_eq!(app.count_orders() as u64, ROWS);
}

/// Reads an answer to its end without keeping it: how many orders there were, and whether it ended as it should.
fn drain(connection: &mut RawConnection) -> (u64, bool) {
    let mut buffer = vec![0; 256 * 1024];
    let (mut orders, mut end) = (0, Vec::new());
    loop {
        let count = connection.read(&mut buffer).expect("the answer goes on");
        if count == 0 {
            return (orders, false);
        }
        orders += buffer[..count].iter().filter(|byte| **byte == b'{').count() as u64;
        end.extend_from_slice(&buffer[count.saturating_sub(16)..count]);
        end.drain(..end.len().saturating_sub(16));
        if end.ends_with(b"\r\n0\r\n\r\n") {
            return (orders, true);
        }
    }
}

/// The greatest resident memory of the service while `act` goes on.
fn peak_during<T>(app: &TestApp, act: impl FnOnce() -> T) -> (u64, T) {
    let (done, peak) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                peak.fetch_max(app.service().rss_bytes().expect("the service lives"), Ordering::Relaxed);
                thread::sleep(Duration::from_millis(20));
            }
        });
        let result = act();
        done.store(true, Ordering::Relaxed);
        peak.fetch_max(app.service().rss_bytes().expect("the service lives"), Ordering::Relaxed);
        (peak.load(Ordering::Relaxed), result)
    })
}

const GET: &str = "GET /orders HTTP/1.1\r\nHost: x\r\n\r\n";

/// One test, since filling the table is what takes the time.
#[test]
fn a_million_orders_are_streamed_in_constant_memory() {
    let _alone = e2e::run_alone();
    let app = TestApp::spawn_with(&[("WRITE_TIMEOUT", "60s")]);
    fill(&app);
    // What the first requests of a process leave behind (connection, statements, pages of the allocator) is not growth.
    for _ in 0..3 {
        app.get("/orders?limit=1000").expect(200);
    }
    let before = app.service().rss_bytes().unwrap();

    // A client that reads it all.
    let (peak, (orders, whole)) = peak_during(&app, || drain(app.connect().send(GET)));
    assert!(whole, "the answer ended after {orders} orders");
    assert_eq!(orders, ROWS);
    println!("read at full speed: {} KiB above {} KiB", peak.saturating_sub(before) / 1024, before / 1024);
    assert!(peak <= before + GROWTH, "grew from {before} to {peak} bytes while one client read it all");

    // The first byte of the answer, while the query has only begun: the best of three, since the machine is shared.
    let first_byte = (0..3).map(|_| {
        let mut connection = app.connect();
        let started = Instant::now();
        connection.send(GET).read(&mut [0; 1]).expect("a first byte");
        started.elapsed()
    });
    let first_byte = first_byte.min().unwrap();
    println!("first byte after {first_byte:?}");
    assert!(first_byte <= Duration::from_millis(50), "the first byte came after {first_byte:?}");

    // A client that reads a little and then hardly anything.
    let (peak, ()) = peak_during(&app, || {
        let mut connection = RawConnection::connect_with_small_buffer(app.address());
        connection.send(GET);
        for _ in 0..30 {
            connection.read(&mut [0; 2048]).expect("the answer goes on");
            thread::sleep(Duration::from_millis(100));
            app.get("/orders/7").expect(200);
        }
    });
    println!("held by a slow client: {} KiB above {} KiB", peak.saturating_sub(before) / 1024, before / 1024);
    assert!(peak <= before + GROWTH, "grew from {before} to {peak} bytes while a slow client held it");

    // Several at once share the service; each gets everything.
    let (peak, all) = peak_during(&app, || {
        thread::scope(|scope| {
            let readers: Vec<_> = (0..4).map(|_| scope.spawn(|| drain(app.connect().send(GET)))).collect();
            readers.into_iter().map(|reader| reader.join().unwrap()).collect::<Vec<_>>()
        })
    });
    assert_eq!(all, [(ROWS, true); 4]);
    println!("four at once: {} KiB above {} KiB", peak.saturating_sub(before) / 1024, before / 1024);
    app.sql("DROP TABLE orders");
}
