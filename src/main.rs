//! The order service: configuration, then telemetry, then the pool, then serving.
#[tokio::main(flavor = "current_thread")]
async fn main() { let _ = mysql_async::Pool::from_url("mysql://root@localhost/x"); let _ = hyper::Body::empty(); }
