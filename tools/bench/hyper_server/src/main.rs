//! hyper_wasi's server as its examples start it, on the published binding to WasmEdge's sockets. It shows the behaviour
//! of a service that follows these examples. Every request gets the same text.
//!
//! `ONE_WRITE=1` sends head and body in one write. The published binding sends the parts of a vectored write one by
//! one, and the client delays its acknowledgement in between; without that wait, builds on two bindings can be
//! compared. `TIMER=1` keeps a timer pending, as in a service with timeouts.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use hyper::service::{make_service_fn, service_fn};
use hyper::{Body, Request, Response, Server};

const TEXT: &str = "Try POSTing data to /echo such as: `curl localhost:8080/echo -XPOST -d 'hello world'`\n";

async fn respond(_request: Request<Body>) -> Result<Response<Body>, Infallible> {
    Ok(Response::new(Body::from(TEXT)))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address: SocketAddr = std::env::var("LISTEN_ADDR")?.parse()?;
    if is_set("TIMER") {
        tokio::spawn(async {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
    }
    let service = make_service_fn(|_connection| async { Ok::<_, Infallible>(service_fn(respond)) });
    Server::bind(&address).http1_writev(!is_set("ONE_WRITE")).serve(service).await?;
    Ok(())
}

fn is_set(variable: &str) -> bool {
    std::env::var(variable).is_ok_and(|value| value == "1")
}
