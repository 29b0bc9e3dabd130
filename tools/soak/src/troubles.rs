//! Those who do not work but are in the way: resets, freezes, slow readers, an idle crowd.

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::list::List;
use crate::numbers::Numbers;
use crate::reply;
use crate::wire::{Wire, without_date};
use crate::world::World;

/// Whoever begins anew after a fault waits for so long first: a service that has ended is not hammered.
const AFTER_A_FAULT: Duration = Duration::from_millis(200);

/// Connections that are reset at once, within their first bytes, or before their answer: in bursts, 60 a second on average.
pub(crate) fn resets(world: &World, numbers: &mut Numbers) {
    let request = reply::request("GET", "/orders?limit=100", "reset", "", None);
    while world.goes_on() {
        for _ in 0..numbers.within(1..50) {
            let sent = match numbers.within(0..4) {
                0 | 1 => 0,
                2 => numbers.within(1..60) as usize,
                _ => request.len(),
            };
            if let Err(error) = world.reset_after(request.as_bytes().get(..sent).unwrap_or_default()) {
                world.note("a connection to be reset", Err(error));
            }
        }
        world.pause(numbers.millis(0..800));
    }
}

/// Freezes the service at random moments, and resets connections meanwhile, which it cannot have accepted.
pub(crate) fn freezes(world: &World, numbers: &mut Numbers) {
    while world.goes_on() {
        world.pause(numbers.millis(300..4_000));
        world.service.pause();
        world.counts.freezes.fetch_add(1, Ordering::Relaxed);
        if numbers.once_in(2) {
            for _ in 0..numbers.within(1..30) {
                if let Err(error) = world.reset_after(b"") {
                    world.note("a connection reset in a freeze", Err(error));
                }
            }
        }
        let time = if numbers.once_in(15) { numbers.millis(1_000..1_500) } else { numbers.millis(0..200) };
        std::thread::sleep(time);
        world.service.resume();
    }
}

/// Reads the whole table slowly through a narrow buffer, over and over; leaves half-way now and then.
pub(crate) fn slow_reader(world: &World, list: &List, numbers: &mut Numbers) {
    while world.goes_on() {
        if !world.note("a slow reader", read_slowly(world, list, numbers)) {
            world.pause(AFTER_A_FAULT);
        }
    }
}

fn read_slowly(world: &World, list: &List, numbers: &mut Numbers) -> Result<()> {
    let mut wire = world.connect_narrow()?;
    wire.send(reply::request("GET", "/orders", "list", "", None).as_bytes())?;
    let head = without_date(&wire.head()?);
    ensure!(head == reply::streamed("list", ""), "another head: {head}");
    let (mut body, mut left) = (Vec::new(), if numbers.once_in(3) { numbers.within(1..60) } else { u32::MAX });
    while let Some(piece) = wire.chunk()? {
        body.extend_from_slice(&piece);
        left -= 1;
        if left == 0 || !world.goes_on() {
            return list.must_begin(&body);
        }
        world.pause(numbers.millis(0..120));
    }
    list.must_be(&body)
}

/// Connections that are idle but for a question each, now and then, one after the other.
pub(crate) fn crowd(world: &World, size: u32, numbers: &mut Numbers) {
    let mut crowd: Vec<Wire> = Vec::new();
    while world.goes_on() {
        if crowd.len() < size as usize {
            match world.connect() {
                Ok(wire) => crowd.push(wire),
                Err(error) => {
                    world.note("one of the crowd", Err(error));
                    world.pause(AFTER_A_FAULT);
                }
            }
        } else {
            // Each is asked once in half of the time after which the service closes an idle connection.
            world.pause(numbers.millis(0..60_000 / size.max(1)));
        }
        let next = usize::from(!crowd.is_empty());
        crowd.rotate_left(next);
        if let Some(wire) = crowd.last_mut() {
            if !world.note("one of the crowd", ask(wire)) {
                crowd.pop();
            }
        }
    }
}

fn ask(wire: &mut Wire) -> Result<()> {
    wire.send(reply::request("GET", "/health", "idle", "", None).as_bytes())?;
    wire.must_answer(&reply::alive("idle"))
}
