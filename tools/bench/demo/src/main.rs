//! hyper_wasi's server as its examples start it, on the published binding to WasmEdge's sockets: the behaviour that a service
//! written from them has. Every request gets the same text, whatever it asks for.
//!
//! `ONE_WRITE=1` lets head and body leave in one write: what the published binding, which sends the pieces of a vectored write one by one,
//! makes a client wait for is out of the way then, and two builds of this on different bindings can be compared. `TIMER=1` keeps a timer
//! pending, as a service with deadlines has one.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use hyper::service::{make_service_fn, service_fn};
use hyper::{Body, Request, Response, Server};

const TEXT: &str = "Try POSTing data to /echo such as: `curl localhost:8080/echo -XPOST -d 'hello world'`\n";

async fn answer(_request: Request<Body>) -> Result<Response<Body>, Infallible> {
    Ok(Response::new(Body::from(TEXT)))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address: SocketAddr = std::env::var("LISTEN_ADDR")?.parse()?;
    if asked("TIMER") {
        tokio::spawn(async {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
    }
    let service = make_service_fn(|_connection| async { Ok::<_, Infallible>(service_fn(answer)) });
    Server::bind(&address).http1_writev(!asked("ONE_WRITE")).serve(service).await?;
    Ok(())
}

fn asked(variable: &str) -> bool {
    std::env::var(variable).is_ok_and(|value| value == "1")
}
