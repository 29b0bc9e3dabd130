//! A hyper_wasi server with default settings: the smallest service on this crate, for experiments and measurements.
//!
//! | request | response |
//! |---|---|
//! | `GET /` | a line, at once |
//! | `GET /sleep` | a line, after 50 ms |
//! | `GET /large` | 8 MiB |
//! | `POST /echo` | the request's body |
//! | `GET /resolve?NAME` | the addresses of a name |
//! | `GET /connect?ADDRESS` | the result of a connect |
//!
//! Arguments after the address:
//! - `deadline`: every request has a deadline, so a timer is pending in every wait.
//! - `flat`: hyper writes head and body as one buffer. The published crate then has no delay of 44 ms.
//! - `half`: a client that has shut down its side still gets its response.
//!
//! ```sh
//! cargo build --release -p wasmedge_wasi_socket --example server
//! wasmedge target/wasm32-wasip1/release/examples/server.wasm 127.0.0.1:8080
//! ```

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
        let options: Vec<String> = arguments.collect();
        let has = |option: &str| options.iter().any(|one| one == option);
        let deadline = has("deadline").then(|| Duration::from_secs(30));
        let address = address.parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let service = make_service_fn(move |_| async move {
            Ok::<_, Infallible>(service_fn(move |request| respond_in_time(request, deadline)))
        });
        Server::bind(&address)
            .http1_writev(!has("flat"))
            .http1_half_close(has("half"))
            .serve(service)
            .await
            .map_err(io::Error::other)
    }

    async fn respond_in_time(request: Request<Body>, deadline: Option<Duration>) -> Result<Response<Body>, Infallible> {
        Ok(match deadline {
            Some(deadline) => tokio::time::timeout(deadline, respond(request)).await.unwrap_or_default(),
            None => respond(request).await,
        })
    }

    /// Connects and sends a request; returns the length of the response, or the first error.
    async fn connect(to: &str) -> Result<String, String> {
        let mut stream = TcpStream::connect(to).await.map_err(|error| format!("connect: {error}"))?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.map_err(|error| format!("write: {error}"))?;
        let read = stream.read(&mut [0; 64]).await.map_err(|error| format!("read: {error}"))?;
        Ok(format!("{read} bytes from {:?}", stream.peer_addr()))
    }

    async fn respond(request: Request<Body>) -> Response<Body> {
        let query = request.uri().query().unwrap_or_default().to_owned();
        match request.uri().path() {
            "/echo" => Response::new(request.into_body()),
            "/large" => Response::new(Body::from(vec![b'x'; 8 << 20])),
            "/sleep" => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                Response::new(Body::from("slept\n"))
            }
            "/resolve" => Response::new(Body::from(format!("{:?}\n", wasmedge_wasi_socket::nslookup(&query, "")))),
            "/connect" => {
                let result = connect(&query).await;
                Response::new(Body::from(format!("{result:?}\n")))
            }
            _ => Response::new(Body::from("hello\n")),
        }
    }
}
