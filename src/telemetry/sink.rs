//! The bounded way to standard output.

use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pipe_status::PipeStatus;
use tokio::sync::Notify;

/// The most that waits to be written; more is dropped.
const CAPACITY: usize = 256 * 1024;

/// The most that is written at once: `PIPE_BUF`, which a pipe that polls as writable takes whole (pipe(7)).
const PIECE: usize = 4096;

/// Lines are gathered this long and leave in one write: a system call for many requests.
const GATHER: Duration = Duration::from_millis(100);

/// How long a reader that is behind is left alone.
const PATIENCE: Duration = Duration::from_millis(200);

/// Lines on their way to standard output.
#[derive(Default)]
pub(super) struct Sink {
    held: Mutex<Held>,
    wake: Notify,
}

#[derive(Default)]
struct Held {
    lines: Vec<u8>,
    lost: u64,
}

impl Sink {
    /// Takes a line, which ends in a line feed, or drops it where there is no room.
    pub(super) fn push(&self, line: &[u8]) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if line.len() > PIECE || held.lines.len() + line.len() > CAPACITY {
            held.lost += 1;
            return;
        }
        let was_empty = held.lines.is_empty();
        held.lines.extend_from_slice(line);
        drop(held);
        if was_empty {
            self.wake.notify_one();
        }
    }

    /// Writes lines out as they come; never ends.
    pub(super) async fn drain(&self) {
        loop {
            self.wake.notified().await;
            tokio::time::sleep(GATHER).await;
            while !self.flush() {
                tokio::time::sleep(PATIENCE).await;
            }
            self.tell_of_losses();
        }
    }

    /// Writes what can be written without waiting; true when nothing is held any more.
    pub(super) fn flush(&self) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let mut written = 0;
        while let Some(piece) = next_piece(held.lines.get(written..).unwrap_or_default()) {
            match pipe_status::of(&std::io::stdout()) {
                PipeStatus::Full => break,
                PipeStatus::Closed => written = held.lines.len(),
                PipeStatus::Writable => {
                    let mut stdout = std::io::stdout().lock();
                    // Nothing can be done about an error, and nothing depends on a line.
                    let _ = stdout.write_all(piece).and_then(|()| stdout.flush());
                    written += piece.len();
                }
            }
        }
        held.lines.drain(..written);
        held.lines.is_empty()
    }

    fn tell_of_losses(&self) {
        let lost = std::mem::take(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner).lost);
        if lost > 0 {
            tracing::warn!(lines = lost, "log lines were lost: whatever reads the log is too slow");
        }
    }
}

/// As many whole lines from the front as fit into a piece; None when there are none.
fn next_piece(lines: &[u8]) -> Option<&[u8]> {
    let window = lines.get(..PIECE).unwrap_or(lines);
    let end = window.iter().rposition(|byte| *byte == b'\n')?;
    lines.get(..=end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_whole_lines_and_at_most_a_pipe_s_worth() {
        assert_eq!(next_piece(b""), None);
        assert_eq!(next_piece(b"a\nb\n"), Some(&b"a\nb\n"[..]));
        let lines = [vec![b'x'; PIECE - 2], b"\n".to_vec(), b"y\n".to_vec()].concat();
        assert_eq!(next_piece(&lines).map(<[u8]>::len), Some(PIECE - 1));
    }

    #[test]
    fn what_does_not_fit_is_counted_and_dropped() {
        let sink = Sink::default();
        let line = [vec![b'x'; 1023], b"\n".to_vec()].concat();
        for _ in 0..CAPACITY / 1024 + 5 {
            sink.push(&line);
        }
        let held = sink.held.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!((held.lines.len(), held.lost), (CAPACITY, 5));
    }
}
