//! Reports how idle connections end while others are busy.

use std::io::ErrorKind;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::Outcome;

/// The number of busy connections: one of them is always readable, so the binding probes the idle ones in turns.
const BUSY: usize = 8;

/// Keeps the first connections busy and prints a line for each of the others that ends: `reset`, `ended` or an error.
pub async fn run(address: &str, connections: usize, ends: usize) -> Outcome {
    let (sender, mut receiver) = mpsc::channel(connections.max(1));
    for _ in 0..BUSY {
        tokio::spawn(keep_busy(TcpStream::connect(address).await?));
    }
    for _ in BUSY..connections {
        let (idle, sender) = (TcpStream::connect(address).await?, sender.clone());
        tokio::spawn(async move { sender.send(end_of(idle).await).await });
    }
    for _ in 0..ends {
        println!("{}", receiver.recv().await.unwrap_or_default());
    }
    Ok(())
}

/// Sends a byte and waits for its echo, repeatedly.
async fn keep_busy(mut busy: TcpStream) -> Outcome {
    let mut byte = [1];
    loop {
        busy.write_all(&byte).await?;
        busy.read_exact(&mut byte).await?;
    }
}

/// Waits for the end of a connection and describes it.
async fn end_of(mut idle: TcpStream) -> String {
    match idle.read(&mut [0]).await {
        Ok(0) => "ended".into(),
        Ok(_) => "received data".into(),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => "reset".into(),
        Err(error) => error.to_string(),
    }
}
