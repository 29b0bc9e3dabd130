//! Idle connections beside busy ones, and how they end.

use std::io::ErrorKind;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::Outcome;

/// The connections that are busy: so many that one of them always has something, and the binding only looks at the idle ones in turns.
const BUSY: usize = 8;

/// Keeps the first of so many connections busy, and prints a line for each other one that ends: `reset`, `ended`, or what else; until so many have.
pub async fn run(address: &str, connections: usize, ends: usize) -> Outcome {
    let (tell, mut told) = mpsc::channel(connections.max(1));
    for _ in 0..BUSY {
        tokio::spawn(ask(TcpStream::connect(address).await?));
    }
    for _ in BUSY..connections {
        let (idle, tell) = (TcpStream::connect(address).await?, tell.clone());
        tokio::spawn(async move { tell.send(end_of(idle).await).await });
    }
    for _ in 0..ends {
        println!("{}", told.recv().await.unwrap_or_default());
    }
    Ok(())
}

/// Sends a byte and waits for it to come back, over and over.
async fn ask(mut busy: TcpStream) -> Outcome {
    let mut byte = [1];
    loop {
        busy.write_all(&byte).await?;
        busy.read_exact(&mut byte).await?;
    }
}

/// Waits for a connection's end.
async fn end_of(mut idle: TcpStream) -> String {
    match idle.read(&mut [0]).await {
        Ok(0) => "ended".into(),
        Ok(_) => "it spoke".into(),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => "reset".into(),
        Err(error) => error.to_string(),
    }
}
