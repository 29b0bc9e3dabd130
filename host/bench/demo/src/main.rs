//! hyper_wasi's server as its examples start it, on the published binding to WasmEdge's sockets: the behaviour that a service
//! written from them has. Every request gets the same text, whatever it asks for.

use std::convert::Infallible;
use std::net::SocketAddr;

use hyper::service::{make_service_fn, service_fn};
use hyper::{Body, Request, Response, Server};

const TEXT: &str = "Try POSTing data to /echo such as: `curl localhost:8080/echo -XPOST -d 'hello world'`\n";

async fn answer(_request: Request<Body>) -> Result<Response<Body>, Infallible> {
    Ok(Response::new(Body::from(TEXT)))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address: SocketAddr = std::env::var("LISTEN_ADDR")?.parse()?;
    let service = make_service_fn(|_connection| async { Ok::<_, Infallible>(service_fn(answer)) });
    Server::bind(&address).serve(service).await?;
    Ok(())
}
