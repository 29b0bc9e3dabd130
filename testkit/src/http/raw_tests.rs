//! Both clients against a server that sends prepared bytes.

use std::io::Read;
use std::net::TcpListener;
use std::time::Duration;

use super::*;
use crate::http::Client;

/// A server that waits for a request, sends `bytes` on its one connection and closes it.
fn serve(bytes: &'static [u8]) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || -> io::Result<()> {
        let (mut stream, _) = listener.accept()?;
        let mut request = Vec::new();
        let mut piece = [0; 1024];
        while !request.ends_with(b"\r\n\r\n") {
            let count = stream.read(&mut piece)?;
            request.extend_from_slice(piece.get(..count).unwrap_or_default());
        }
        stream.write_all(bytes)
    });
    Ok(address)
}

fn ask(bytes: &'static [u8]) -> Result<RawConnection> {
    let mut connection = RawConnection::connect(serve(bytes)?)?;
    connection.send("GET / HTTP/1.1\r\n\r\n")?;
    Ok(connection)
}

#[test]
fn responses_are_read_by_length_by_chunks_and_by_the_end() -> Result<()> {
    let mut connection = ask(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 503 x\r\nConnection: close\r\n\
          Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\nHTTP/1.0 200 OK\r\n\r\nrest")?;
    let first = connection.read_response()?;
    assert_eq!((first.status(), first.text().as_str(), first.head.closes_connection()), (200, "ab", false));
    let second = connection.read_response()?;
    assert_eq!((second.status(), second.text().as_str(), second.head.closes_connection()), (503, "abcd", true));
    assert_eq!(connection.read_response()?.text(), "rest");
    assert!(connection.read_response().is_err());
    assert!(connection.is_closed()?);
    Ok(())
}

#[test]
fn a_response_to_head_has_no_body() -> Result<()> {
    let mut connection = ask(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")?;
    assert_eq!(connection.read_response_to("HEAD")?.header("content-length"), Some("5"));
    assert_eq!(connection.read_response()?.status(), 204);
    Ok(())
}

#[test]
fn incomplete_and_malformed_responses_are_errors() -> Result<()> {
    let responses: [&[u8]; 5] = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"\x15\x03\x01\x00\r\n\r\n",
    ];
    for response in responses {
        assert!(ask(response)?.read_response().is_err(), "{response:?}");
    }
    Ok(())
}

#[test]
fn bytes_are_read_up_to_a_mark_and_the_others_are_kept() -> Result<()> {
    let mut connection = ask(b"one,two,three")?;
    assert_eq!(connection.read_until(b",")?, b"one,");
    assert_eq!(connection.read_until_within(b",", Duration::from_secs(10))?, b"two,");
    assert!(connection.read_until_within(b",", Duration::from_millis(20)).is_err());
    assert_eq!(connection.buffered(), b"three");
    assert_eq!(connection.read_to_end()?, b"three");
    Ok(())
}

#[test]
fn a_server_that_keeps_the_connection_open_is_not_at_its_end() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut connection = RawConnection::connect_timeout(listener.local_addr()?, Duration::from_millis(30))?;
    let (server, _) = listener.accept()?;
    assert!(!connection.is_closed()?);
    assert!(connection.read_to_end().is_err());
    RawConnection { stream: server, buffer: Vec::new(), timeout: IO_TIMEOUT }.reset()?;
    crate::wait_until("the reset", IO_TIMEOUT, || connection.is_closed().unwrap_or_default())
}

#[test]
fn slow_reading_and_sending_pass_on_every_byte() -> Result<()> {
    let mut connection = RawConnection::connect_with_small_buffer(serve(b"HTTP/1.1 204 No Content\r\n\r\n")?)?;
    connection.send_slowly("GET / HTTP/1.1\r\n\r\n", 7, Duration::from_millis(1))?;
    connection.shutdown_write()?;
    connection.read_slowly(1, Duration::ZERO)?;
    assert_eq!(connection.read_response()?.status(), 204);
    Ok(())
}

#[test]
fn the_ordinary_client_reports_no_status_as_an_error() -> Result<()> {
    let address = serve(b"HTTP/1.1 503 x\r\nX-Y: z\r\nContent-Length: 4\r\n\r\nbusy")?;
    let response = Client::new(&format!("http://{address}/")).get("/path")?;
    assert_eq!((response.status, response.header("x-y"), response.text().as_str()), (503, Some("z"), "busy"));
    assert!(response.require_status(200).is_err_and(|error| error.to_string().contains("busy")));
    Ok(())
}

#[test]
fn the_ordinary_client_reports_an_incomplete_response_as_an_error() -> Result<()> {
    let address = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbu")?;
    assert!(Client::new(&format!("http://{address}")).get("/").is_err());
    Ok(())
}
