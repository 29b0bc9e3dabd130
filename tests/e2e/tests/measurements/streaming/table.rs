//! `GET /orders` of a million rows.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use e2e::{RawConnection, TestApp};

/// The number of rows in the table.
const ROWS: u64 = 1_000_000;

/// The maximum growth of the process while it sends them.
const MAX_GROWTH: u64 = 8 * 1024 * 1024;

/// Writes a million orders directly into the table.
fn fill(app: &TestApp) {
    app.sql(&format!(
        "SET SESSION max_recursive_iterations = {ROWS}, max_statement_time = 0; \
         INSERT INTO orders WITH RECURSIVE seq (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM seq WHERE n < {ROWS}) \
         SELECT n, 1 + n % 1000, 1 + n % 9, n / 100, 15, n % 100 / 100, CONCAT(n, ' Harbour Lane') FROM seq"
    ));
    assert_eq!(app.count_orders() as u64, ROWS);
}

/// Reads a response without storing it. Returns the number of orders, and whether the response was complete.
fn read_all_orders(connection: &mut RawConnection) -> (u64, bool) {
    let mut buffer = vec![0; 256 * 1024];
    let (mut orders, mut end) = (0, Vec::new());
    loop {
        let count = connection.read(&mut buffer).expect("the response goes on");
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

/// The maximum resident memory of the service while `act` runs.
fn peak_memory_during<T>(app: &TestApp, act: impl FnOnce() -> T) -> (u64, T) {
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

/// One test, because filling the table takes most of the time.
#[test]
fn a_million_orders_are_streamed_in_constant_memory() {
    let _alone = e2e::run_alone();
    let app = TestApp::spawn_with(&[("WRITE_TIMEOUT", "60s")]);
    fill(&app);
    // The first requests allocate memory that stays in use: connections, statements, pages of the allocator.
    for _ in 0..3 {
        app.get("/orders?limit=1000").expect(200);
    }
    let before = app.service().rss_bytes().unwrap();

    // A client that reads everything.
    let (peak, (orders, whole)) = peak_memory_during(&app, || read_all_orders(app.connect().send(GET)));
    assert!(whole, "the response ended after {orders} orders");
    assert_eq!(orders, ROWS);
    println!("read at full speed: {} KiB above {} KiB", peak.saturating_sub(before) / 1024, before / 1024);
    assert!(peak <= before + MAX_GROWTH, "grew from {before} to {peak} bytes while one client read it all");

    // The first byte comes while the query runs. The best of three, because the machine is shared.
    let first_byte = (0..3).map(|_| {
        let mut connection = app.connect();
        let started = Instant::now();
        connection.send(GET).read(&mut [0; 1]).expect("a first byte");
        started.elapsed()
    });
    let first_byte = first_byte.min().unwrap();
    println!("first byte after {first_byte:?}");
    assert!(first_byte <= Duration::from_millis(50), "the first byte came after {first_byte:?}");

    // A client that reads slowly.
    let (peak, ()) = peak_memory_during(&app, || {
        let mut connection = RawConnection::connect_with_small_buffer(app.address());
        connection.send(GET);
        for _ in 0..30 {
            connection.read(&mut [0; 2048]).expect("the response goes on");
            thread::sleep(Duration::from_millis(100));
            app.get("/orders/7").expect(200);
        }
    });
    println!("held by a slow client: {} KiB above {} KiB", peak.saturating_sub(before) / 1024, before / 1024);
    assert!(peak <= before + MAX_GROWTH, "grew from {before} to {peak} bytes while a slow client held it");

    // Several clients at once; each gets everything.
    let (peak, all) = peak_memory_during(&app, || {
        thread::scope(|scope| {
            let readers: Vec<_> = (0..4).map(|_| scope.spawn(|| read_all_orders(app.connect().send(GET)))).collect();
            readers.into_iter().map(|reader| reader.join().unwrap()).collect::<Vec<_>>()
        })
    });
    assert_eq!(all, [(ROWS, true); 4]);
    println!("four at once: {} KiB above {} KiB", peak.saturating_sub(before) / 1024, before / 1024);
    app.sql("DROP TABLE orders");
}
