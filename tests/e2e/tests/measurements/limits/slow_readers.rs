//! The latency beside clients that do not read their responses.

use std::time::{Duration, Instant};

use e2e::{RawConnection, open_stalled_reader, spawn_with_large_table};

#[test]
fn stalled_readers_hold_no_database_connection() {
    let _alone = e2e::run_alone();
    let app = spawn_with_large_table(&[("WRITE_TIMEOUT", "60s"), ("POOL_MAX", "2")]);
    let _held: Vec<RawConnection> = (0..20).map(|_| open_stalled_reader(&app)).collect();
    for _ in 0..20 {
        let started = Instant::now();
        app.get("/orders/7").expect(200);
        assert!(started.elapsed() < Duration::from_secs(1), "a response took {:?}", started.elapsed());
    }
}
