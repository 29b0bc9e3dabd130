//! Splits a JSON array into its items as its text arrives. The items themselves are not parsed.

/// A place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    /// From 1.
    pub(super) line: usize,
    /// Bytes from the line's start, from 1.
    pub(super) column: usize,
}

/// Why a text cannot be split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SplitError {
    /// The text is not JSON; what is wrong there.
    Syntax(&'static str, Position),
    /// The text does not begin with an array.
    NotAnArray(Position),
    /// An item is longer than the limit.
    TooLong(Position),
}

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    BeforeArray,
    /// After `[`.
    FirstItemOrEnd,
    /// After a comma.
    NextItem,
    InItem(Kind),
    AfterItem,
    AfterArray,
}

/// The kind of an item, as far as its end depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// An object or an array: the number of brackets that are open.
    Nested(usize),
    String,
    /// A number or a word, which ends before the next delimiter.
    Bare,
}

/// Splits a text that comes in pieces.
#[derive(Debug)]
pub(super) struct ArraySplitter {
    state: State,
    in_string: bool,
    is_escaped: bool,
    /// The beginning of an item whose end has not arrived.
    item: Vec<u8>,
    max_item_bytes: usize,
    item_start: Position,
    /// The bytes of the pieces so far.
    offset: usize,
    /// The line that is being read, from 1, and the offset of its first byte.
    line: usize,
    line_start: usize,
}

impl ArraySplitter {
    /// Items may have up to `max_item_bytes`.
    pub(super) fn new(max_item_bytes: usize) -> Self {
        Self {
            state: State::BeforeArray,
            in_string: false,
            is_escaped: false,
            item: Vec::new(),
            max_item_bytes,
            item_start: Position { line: 1, column: 1 },
            offset: 0,
            line: 1,
            line_start: 0,
        }
    }

    /// Takes the next piece of the text. `on_item` gets each item that is complete, and where it starts.
    pub(super) fn push<E: From<SplitError>>(
        &mut self,
        piece: &[u8],
        mut on_item: impl FnMut(&[u8], Position) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut start = 0;
        for (index, &byte) in piece.iter().enumerate() {
            let was_in_item = matches!(self.state, State::InItem(_));
            if !was_in_item {
                start = index;
            }
            // A bare item ends before this byte, any other with it.
            if self.state == State::InItem(Kind::Bare) && is_delimiter(byte) {
                self.end_item(piece.get(start..index), &mut on_item)?;
            }
            if self.advance(byte)? {
                self.end_item(piece.get(start..=index), &mut on_item)?;
            }
            self.offset += 1;
            if byte == b'\n' {
                (self.line, self.line_start) = (self.line + 1, self.offset);
            }
        }
        if matches!(self.state, State::InItem(_)) {
            self.item.extend_from_slice(piece.get(start..).unwrap_or_default());
            if self.item.len() > self.max_item_bytes {
                return Err(SplitError::TooLong(self.item_start).into());
            }
        }
        Ok(())
    }

    /// The text is complete.
    pub(super) fn finish(&self) -> Result<(), SplitError> {
        match self.state {
            State::AfterArray => Ok(()),
            State::BeforeArray => Err(self.syntax("EOF while parsing a value")),
            _ => Err(self.syntax("EOF while parsing a list")),
        }
    }

    /// Takes a byte. True where an item ends with it.
    fn advance(&mut self, byte: u8) -> Result<bool, SplitError> {
        if let State::InItem(kind) = self.state {
            return Ok(self.advance_in_item(kind, byte));
        }
        if byte.is_ascii_whitespace() && byte != b'\x0c' {
            return Ok(false);
        }
        match (self.state, byte) {
            (State::BeforeArray, b'[') => self.state = State::FirstItemOrEnd,
            (State::BeforeArray, b'{' | b'"' | b't' | b'f' | b'n' | b'-' | b'0'..=b'9') => {
                return Err(SplitError::NotAnArray(self.position()));
            }
            (State::FirstItemOrEnd | State::AfterItem, b']') => self.state = State::AfterArray,
            (State::AfterItem, b',') => self.state = State::NextItem,
            (State::NextItem, b']') => return Err(self.syntax("trailing comma")),
            (State::FirstItemOrEnd | State::NextItem, _) if byte != b',' => self.begin_item(byte),
            (State::AfterItem, _) => return Err(self.syntax("expected `,` or `]`")),
            (State::AfterArray, _) => return Err(self.syntax("trailing characters")),
            _ => return Err(self.syntax("expected value")),
        }
        Ok(false)
    }

    fn begin_item(&mut self, byte: u8) {
        self.item_start = self.position();
        self.in_string = byte == b'"';
        self.is_escaped = false;
        self.state = State::InItem(match byte {
            b'{' | b'[' => Kind::Nested(1),
            b'"' => Kind::String,
            _ => Kind::Bare,
        });
    }

    fn advance_in_item(&mut self, kind: Kind, byte: u8) -> bool {
        if self.in_string {
            let is_end = byte == b'"' && !self.is_escaped;
            self.is_escaped = byte == b'\\' && !self.is_escaped;
            self.in_string = !is_end;
            return is_end && kind == Kind::String;
        }
        self.in_string = byte == b'"';
        let Kind::Nested(open) = kind else { return false };
        let open = match byte {
            b'{' | b'[' => open + 1,
            b'}' | b']' => open - 1,
            _ => open,
        };
        self.state = State::InItem(Kind::Nested(open));
        open == 0
    }

    fn end_item<E: From<SplitError>>(
        &mut self,
        rest: Option<&[u8]>,
        on_item: &mut impl FnMut(&[u8], Position) -> Result<(), E>,
    ) -> Result<(), E> {
        self.state = State::AfterItem;
        self.in_string = false;
        let rest = rest.unwrap_or_default();
        if self.item.len() + rest.len() > self.max_item_bytes {
            return Err(SplitError::TooLong(self.item_start).into());
        }
        if self.item.is_empty() {
            return on_item(rest, self.item_start);
        }
        self.item.extend_from_slice(rest);
        let result = on_item(&self.item, self.item_start);
        self.item.clear();
        result
    }

    fn syntax(&self, problem: &'static str) -> SplitError {
        SplitError::Syntax(problem, self.position())
    }

    /// The place of the byte that is being read.
    fn position(&self) -> Position {
        Position { line: self.line, column: self.offset - self.line_start + 1 }
    }
}

fn is_delimiter(byte: u8) -> bool {
    byte == b',' || byte == b']' || byte.is_ascii_whitespace()
}

#[cfg(test)]
#[path = "json_array_tests.rs"]
mod tests;
