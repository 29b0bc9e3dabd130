//! `serve ADDRESS`: hyper_wasi's server as in its examples; it echoes bodies. `GET /block` blocks the thread for half a
//! second. `post URL N`: reqwest_wasi's client; it posts N times on one connection and prints the microseconds of each
//! request. `watch ADDRESS N ENDS`: N connections to a server, eight of them busy; prints how each of the others ends.
//! `random`: prints 32 bytes of one call of the runtime's `random_get`. `selfcheck`: checks the binding with sockets of
//! this process; see [`selfcheck`].

use std::convert::Infallible;
use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use hyper::service::{make_service_fn, service_fn};
use hyper::{Body, Request, Response, Server};

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// The size of a typical message; one that fits into one buffer, so that one write can send it.
const BODY: [u8; 512] = [b'x'; 512];

mod random;
mod selfcheck;
mod watch;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("selfcheck") => selfcheck::run(),
        Some("random") => random::run(),
        _ => programs(),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn programs() -> ExitCode {
    // The task ends the process itself: in tokio_wasi a task does not wake this future (docs/PLATFORM.md).
    tokio::spawn(async {
        let outcome = work().await;
        if let Err(error) = &outcome {
            eprintln!("guest: {error}");
        }
        std::process::exit(i32::from(outcome.is_err()));
    });
    std::future::pending().await
}

async fn work() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["serve", address] => serve(address).await,
        ["post", url, times] => post(url, times.parse()?).await,
        ["watch", address, connections, ends] => watch::run(address, connections.parse()?, ends.parse()?).await,
        _ => Err("serve ADDRESS, post URL N, watch ADDRESS N ENDS, random, or selfcheck".into()),
    }
}

async fn serve(address: &str) -> Outcome {
    let service = make_service_fn(|_connection| async { Ok::<_, Infallible>(service_fn(echo)) });
    Ok(Server::bind(&address.parse()?).serve(service).await?)
}

async fn echo(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    if request.uri().path() == "/block" {
        println!("blocking");
        std::thread::sleep(Duration::from_millis(500));
    }
    // Reads the whole body first: the response then has a length and consists of head and body.
    let body = hyper::body::to_bytes(request.into_body()).await.unwrap_or_default();
    Ok(Response::new(Body::from(body)))
}

async fn post(url: &str, times: u32) -> Outcome {
    let client = reqwest::Client::builder().pool_max_idle_per_host(1).build()?;
    for _ in 0..times {
        let asked = Instant::now();
        let response = client.post(url).body(BODY.to_vec()).send().await?;
        let status = response.status();
        let body = response.bytes().await?;
        if !status.is_success() || body != BODY.as_slice() {
            return Err(format!("{status} and {} bytes came back", body.len()).into());
        }
        println!("{}", asked.elapsed().as_micros());
    }
    Ok(())
}
