//! `serve ADDRESS`: hyper_wasi's server as its examples start it; it sends back what it is sent. `GET /block` keeps the one thread for half a second.
//! `post URL N`: reqwest_wasi's client, which posts N times on one kept connection and prints how many microseconds each took, a line each.
//! `watch ADDRESS N ENDS`: N connections to a server, over the first eight of which it is asked without pause; prints how each of the others ends.
//! `selfcheck`: the binding itself, against sockets of the same process; see [`selfcheck`].

use std::convert::Infallible;
use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use hyper::service::{make_service_fn, service_fn};
use hyper::{Body, Request, Response, Server};

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// What a message of an application is like: of more than one buffer's worth it would leave in more than one piece anyhow.
const BODY: [u8; 512] = [b'x'; 512];

mod selfcheck;
mod watch;

fn main() -> ExitCode {
    if std::env::args().skip(1).eq(["selfcheck"]) { selfcheck::run() } else { programs() }
}

#[tokio::main(flavor = "current_thread")]
async fn programs() -> ExitCode {
    // The work is in a task, and ends the process itself: tokio_wasi does not hear that a task wakes this future (docs/PLATFORM.md).
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
        _ => Err("serve ADDRESS, post URL N, watch ADDRESS N ENDS, or selfcheck".into()),
    }
}

async fn serve(address: &str) -> Outcome {
    let service = make_service_fn(|_connection| async { Ok::<_, Infallible>(service_fn(answer)) });
    Ok(Server::bind(&address.parse()?).serve(service).await?)
}

async fn answer(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    if request.uri().path() == "/block" {
        println!("blocking");
        std::thread::sleep(Duration::from_millis(500));
    }
    // Read whole first, so that the answer has a length, and leaves as head and body.
    let body = hyper::body::to_bytes(request.into_body()).await.unwrap_or_default();
    Ok(Response::new(Body::from(body)))
}

async fn post(url: &str, times: u32) -> Outcome {
    let client = reqwest::Client::builder().pool_max_idle_per_host(1).build()?;
    for _ in 0..times {
        let asked = Instant::now();
        let answer = client.post(url).body(BODY.to_vec()).send().await?;
        let status = answer.status();
        let body = answer.bytes().await?;
        if !status.is_success() || body != BODY.as_slice() {
            return Err(format!("{status} and {} bytes came back", body.len()).into());
        }
        println!("{}", asked.elapsed().as_micros());
    }
    Ok(())
}
