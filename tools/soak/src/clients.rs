//! The clients that work: kept busy connections, visitors that come and go, senders that take their time. Each checks every byte of
//! every answer against its book.

use anyhow::{Result, bail};

use crate::book::Book;
use crate::numbers::Numbers;
use crate::wire::Wire;
use crate::world::World;

/// Keeps one connection busy.
pub(crate) fn worker(world: &World, client: u32, numbers: &mut Numbers) -> Book {
    let mut book = Book::of(client);
    let mut wire = world.connect();
    while world.goes_on() {
        let step = match &mut wire {
            Ok(wire) => book.step(numbers, |request| ask(wire, request)),
            Err(error) => Err(anyhow::anyhow!("{error:#}")),
        };
        // Whether a request without its answer was carried out is not known: this book is closed.
        if !world.note("a busy connection", step) {
            break;
        }
        world.pause(numbers.millis(0..20));
    }
    book
}

/// Comes, asks a few times and goes: at once, after ending the sending half, or without having asked.
pub(crate) fn visitor(world: &World, client: u32, numbers: &mut Numbers) -> Book {
    let mut book = Book::of(client);
    while world.goes_on() {
        if !visit(world, &mut book, numbers) {
            break;
        }
        world.pause(numbers.millis(0..100));
    }
    book
}

fn visit(world: &World, book: &mut Book, numbers: &mut Numbers) -> bool {
    let mut wire = match world.connect() {
        Ok(wire) => wire,
        Err(error) => return world.note("a visitor", Err(error)),
    };
    for _ in 0..numbers.within(0..5) {
        if !world.note("a visitor", book.step(numbers, |request| ask(&mut wire, request))) {
            return false;
        }
    }
    match numbers.within(0..3) {
        0 => {
            world.note("a visitor's half-closed connection", book.step(numbers, |request| ask_last(&mut wire, request)))
        }
        1 => world.note("a connection closed for sending", wire.finish().and_then(|()| wire.must_end())),
        _ => true,
    }
}

/// Sends every request byte by byte.
pub(crate) fn slow_sender(world: &World, client: u32, numbers: &mut Numbers) -> Book {
    let (mut book, mut pauses) = (Book::of(client), numbers.clone());
    let mut wire = world.connect();
    while world.goes_on() {
        let step = match &mut wire {
            Ok(wire) => book.step(numbers, |request| ask_slowly(world, wire, request, &mut pauses)),
            Err(error) => Err(anyhow::anyhow!("{error:#}")),
        };
        if !world.note("a slow sender", step) {
            break;
        }
    }
    book
}

fn ask(wire: &mut Wire, request: &[u8]) -> Result<String> {
    wire.send(request)?;
    wire.answer()
}

/// A last request: the sending half ends with it, and the connection with its answer.
fn ask_last(wire: &mut Wire, request: &[u8]) -> Result<String> {
    wire.send(request)?;
    wire.finish()?;
    let answer = wire.answer()?;
    wire.must_end()?;
    Ok(answer)
}

/// Byte by byte at first, so that any point of a head may be the last that has come; the rest of a long body at once.
fn ask_slowly(world: &World, wire: &mut Wire, request: &[u8], pauses: &mut Numbers) -> Result<String> {
    let Some((slow, rest)) = request.split_at_checked(request.len().min(400)) else { bail!("cannot be") };
    for byte in slow.chunks(1) {
        wire.send(byte)?;
        // At the end of the run the request is finished, only faster.
        world.pause(pauses.millis(0..3));
    }
    wire.send(rest)?;
    wire.answer()
}
