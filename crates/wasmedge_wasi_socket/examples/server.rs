//! A hyper_wasi server with default settings: what a service on this crate is at the least, for trying things out and
//! for measuring.
//!
//! `GET /` answers at once, `GET /sleep` after 50 ms, `GET /large` with 8 MiB, `POST /echo` with what was sent, `GET
//! /resolve?NAME` with the addresses of a name, `GET /connect?ADDRESS` with the outcome of a connect. Further
//! arguments: with `deadline` every request has one, so that a timer is pending whenever the process waits; with `flat`
//! hyper writes head and body as one buffer, which is how the published crate is measured without its 44 ms; with
//! `half` a client that has ended its side is still answered.
//!
//! `cargo build --release -p wasmedge_wasi_socket --example server && wasmedge
//! target/wasm32-wasip1/release/examples/server.wasm 127.0.0.1:8080`

#[cfg(not(target_os = "wasi"))]
fn main() {}

#[cfg(target_os = "wasi")]
fn main() -> std::io::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(guest::serve())
}

#[cfg(target_os = "wasi")]
mod guest {
    use std::convert::Infallible;
    use std::io;
    use std::time::Duration;

    use hyper::service::{make_service_fn, service_fn};
    use hyper::{Body, Request, Response, Server};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    pub(super) async fn serve() -> io::Result<()> {
        let mut arguments = std::env::args().skip(1);
        let address = arguments.next().unwrap_or_else(|| String::from("127.0.0.1:8080"));
        let words: Vec<String> = arguments.collect();
        let has = |word: &str| words.iter().any(|one| one == word);
        let deadline = has("deadline").then(|| Duration::from_secs(30));
        let address = address.parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let service = make_service_fn(move |_| async move {
            Ok::<_, Infallible>(service_fn(move |request| bounded(request, deadline)))
        });
        Server::bind(&address)
            .http1_writev(!has("flat"))
            .http1_half_close(has("half"))
            .serve(service)
            .await
            .map_err(io::Error::other)
    }

    async fn bounded(request: Request<Body>, deadline: Option<Duration>) -> Result<Response<Body>, Infallible> {
        Ok(match deadline {
            Some(deadline) => tokio::time::timeout(deadline, answer(request)).await.unwrap_or_default(),
            None => answer(request).await,
        })
    }

    /// Connects and asks; says where it came to, and the first step that failed.
    async fn connect(to: &str) -> Result<String, String> {
        let mut stream = TcpStream::connect(to).await.map_err(|error| format!("connect: {error}"))?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.map_err(|error| format!("write: {error}"))?;
        let read = stream.read(&mut [0; 64]).await.map_err(|error| format!("read: {error}"))?;
        Ok(format!("{read} bytes from {:?}", stream.peer_addr()))
    }

    async fn answer(request: Request<Body>) -> Response<Body> {
        let asked = request.uri().query().unwrap_or_default().to_owned();
        match request.uri().path() {
            "/echo" => Response::new(request.into_body()),
            "/large" => Response::new(Body::from(vec![b'x'; 8 << 20])),
            "/sleep" => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                Response::new(Body::from("slept\n"))
            }
            "/resolve" => Response::new(Body::from(format!("{:?}\n", wasmedge_wasi_socket::nslookup(&asked, "")))),
            "/connect" => {
                let outcome = connect(&asked).await;
                Response::new(Body::from(format!("{outcome:?}\n")))
            }
            _ => Response::new(Body::from("hello\n")),
        }
    }
}
