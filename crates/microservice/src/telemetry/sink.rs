//! A bounded buffer in front of standard output.

use std::io::Write as _;
use std::sync::Mutex;
use std::time::Duration;

use pipe_status::PipeStatus;
use tokio::sync::Notify;

use crate::sync::lock;

/// The largest buffer, in bytes. Lines beyond it are dropped.
const CAPACITY: usize = 256 * 1024;

/// The largest write, in bytes: `PIPE_BUF`, which a pipe that polls as writable takes whole (pipe(7)).
const MAX_WRITE: usize = 4096;

/// Lines of this period leave in one write, so that many requests share a system call.
const FLUSH_INTERVAL: Duration = Duration::from_millis(100);

/// The pause before the next attempt while standard output is full.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// The lines that wait for standard output.
#[derive(Default)]
pub(super) struct Sink {
    buffer: Mutex<Buffer>,
    wake: Notify,
}

#[derive(Default)]
struct Buffer {
    lines: Vec<u8>,
    /// Dropped since the last report.
    dropped: u64,
    /// Dropped since the start.
    lost: u64,
}

impl Sink {
    /// Takes a line, which ends in a line feed, or drops it where the buffer is full.
    pub(super) fn push(&self, line: &[u8]) {
        let mut buffer = lock(&self.buffer);
        if line.len() > MAX_WRITE || buffer.lines.len() + line.len() > CAPACITY {
            buffer.dropped += 1;
            buffer.lost += 1;
            return;
        }
        let was_empty = buffer.lines.is_empty();
        buffer.lines.extend_from_slice(line);
        drop(buffer);
        if was_empty {
            self.wake.notify_one();
        }
    }

    /// Writes lines out as they come. Never ends.
    pub(super) async fn write_out(&self) {
        loop {
            self.wake.notified().await;
            tokio::time::sleep(FLUSH_INTERVAL).await;
            while !self.flush() {
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
            self.report_dropped();
        }
    }

    /// Writes what can be written without waiting. True when the buffer is empty.
    pub(super) fn flush(&self) -> bool {
        let mut buffer = lock(&self.buffer);
        let mut written = 0;
        while let Some(chunk) = next_chunk(buffer.lines.get(written..).unwrap_or_default()) {
            match pipe_status::of(&std::io::stdout()) {
                PipeStatus::Full => break,
                PipeStatus::Closed => written = buffer.lines.len(),
                PipeStatus::Writable => {
                    let mut stdout = std::io::stdout().lock();
                    // Nothing can be done about an error, and nothing depends on a line.
                    let _ = stdout.write_all(chunk).and_then(|()| stdout.flush());
                    written += chunk.len();
                }
            }
        }
        buffer.lines.drain(..written);
        buffer.lines.is_empty()
    }

    /// The number of lines that were dropped since the start.
    pub(super) fn lost(&self) -> u64 {
        lock(&self.buffer).lost
    }

    fn report_dropped(&self) {
        let dropped = std::mem::take(&mut lock(&self.buffer).dropped);
        if dropped > 0 {
            tracing::warn!(lines = dropped, "log lines were dropped: the reader of the log is too slow");
        }
    }
}

/// The whole lines at the front that fit into one write.
fn next_chunk(lines: &[u8]) -> Option<&[u8]> {
    let window = lines.get(..MAX_WRITE).unwrap_or(lines);
    let end = window.iter().rposition(|byte| *byte == b'\n')?;
    lines.get(..=end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_whole_lines_of_at_most_pipe_buf_bytes() {
        assert_eq!(next_chunk(b""), None);
        assert_eq!(next_chunk(b"a\nb\n"), Some(&b"a\nb\n"[..]));
        let lines = [vec![b'x'; MAX_WRITE - 2], b"\n".to_vec(), b"y\n".to_vec()].concat();
        assert_eq!(next_chunk(&lines).map(<[u8]>::len), Some(MAX_WRITE - 1));
    }

    #[test]
    fn lines_that_do_not_fit_are_counted_and_dropped() {
        let sink = Sink::default();
        let line = [vec![b'x'; 1023], b"\n".to_vec()].concat();
        for _ in 0..CAPACITY / 1024 + 5 {
            sink.push(&line);
        }
        let buffer = lock(&sink.buffer);
        assert_eq!((buffer.lines.len(), buffer.dropped), (CAPACITY, 5));
    }
}
