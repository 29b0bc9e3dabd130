//! Finds the end of a request's head in the pieces in which it arrives.

/// Empty lines before a head (RFC 9112 §2.2) are handed over at once up to this length. They could not end a head.
const MAX_EMPTY_LINES: usize = 64;

/// The head that is being received.
#[derive(Default)]
pub(super) struct Head {
    /// The number of requests before it on this connection.
    pub(super) request: u32,
    /// The bytes of it that hyper has.
    pub(super) handed_over: usize,
    /// The last two bytes that were received.
    tail: [u8; 2],
    /// It has more than empty lines.
    has_content: bool,
}

impl Head {
    /// The head of the request that this number of requests precedes.
    pub(super) fn after(request: u32) -> Self {
        Self { request, ..Self::default() }
    }

    /// Notes a received piece. True where the head ends in it.
    pub(super) fn receive(&mut self, piece: &[u8]) -> bool {
        let [before, last] = self.tail;
        let ends_at_boundary = match (last, piece) {
            (b'\n', [b'\n', ..] | [b'\r', b'\n', ..]) => true,
            (b'\r', [b'\n', ..]) => before == b'\n',
            _ => false,
        };
        self.has_content |= piece.iter().any(|byte| !b"\r\n".contains(byte));
        self.tail = match piece {
            [.., before, last] => [*before, *last],
            [only] => [last, *only],
            [] => self.tail,
        };
        (ends_at_boundary || contains_empty_line(piece)) && (self.has_content || self.handed_over < MAX_EMPTY_LINES)
    }
}

/// True where the bytes contain the end of a line and then an empty line. Lines may end without a CR (RFC 9112 §2.2).
fn contains_empty_line(bytes: &[u8]) -> bool {
    bytes.ends_with(b"\n\r\n")
        || bytes.windows(2).any(|pair| pair == b"\n\n")
        || bytes.windows(3).any(|three| three == b"\n\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The piece in which the head ends, where it ends.
    fn end_of(pieces: &[&[u8]]) -> Option<usize> {
        let mut head = Head { handed_over: MAX_EMPTY_LINES, ..Head::default() };
        pieces.iter().position(|piece| head.receive(piece))
    }

    #[test]
    fn a_head_ends_with_an_empty_line_however_it_is_cut() {
        for whole in ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\nHost: x\n\n", "GET / HTTP/1.1\r\n\n"] {
            let bytes: Vec<&[u8]> = whole.as_bytes().chunks(1).collect();
            assert_eq!(end_of(&bytes), Some(whole.len() - 1), "{whole:?}");
            for cut in 1..whole.len() {
                let (first, second) = whole.as_bytes().split_at(cut);
                assert_eq!(end_of(&[first, second]), Some(1), "{whole:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn empty_lines_alone_end_no_head() {
        assert_eq!(end_of(&[b"\r\n\r\n", b"\n\n"]), None);
        assert_eq!(end_of(&[b"GET / HTTP/1.1\r\nHost: x\r\n", b"A: b\r\n"]), None);
    }
}
