//! Reads the protocol's numbers and strings (<https://mariadb.com/docs/server/reference/clientserver-protocol/>).

/// The rest of a packet. Each method takes what it returns from the front, or returns None.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'p>(pub(crate) &'p [u8]);

impl<'p> Reader<'p> {
    pub(crate) fn bytes(&mut self, length: usize) -> Option<&'p [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.number(2).and_then(|number| number.try_into().ok())
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.number(4).and_then(|number| number.try_into().ok())
    }

    /// A number of up to eight bytes, little-endian.
    fn number(&mut self, length: usize) -> Option<u64> {
        let bytes = self.bytes(length)?;
        Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// A length-encoded number. 0xFB and 0xFF begin none.
    pub(crate) fn length_encoded(&mut self) -> Option<u64> {
        match self.u8()? {
            0xFC => self.number(2),
            0xFD => self.number(3),
            0xFE => self.number(8),
            0xFB | 0xFF => None,
            number => Some(number.into()),
        }
    }

    /// A string after its length-encoded length.
    pub(crate) fn length_encoded_bytes(&mut self) -> Option<&'p [u8]> {
        // Nearly all strings are that short, and each column of each result has five.
        if let [length @ ..=250, rest @ ..] = self.0 {
            let (taken, rest) = rest.split_at_checked(usize::from(*length))?;
            self.0 = rest;
            return Some(taken);
        }
        let length = self.length_encoded()?;
        self.bytes(length.try_into().ok()?)
    }

    /// A string up to a NUL, which is taken too.
    pub(crate) fn nul_terminated(&mut self) -> Option<&'p [u8]> {
        let length = self.0.iter().position(|byte| *byte == 0)?;
        let text = self.bytes(length)?;
        self.u8()?;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_encoded_numbers_are_read() {
        let number = |bytes: &[u8]| Reader(bytes).length_encoded();
        assert_eq!(number(&[250]), Some(250));
        assert_eq!(number(&[0xFC, 1, 2]), Some(0x201));
        assert_eq!(number(&[0xFD, 1, 2, 3]), Some(0x0003_0201));
        assert_eq!(number(&[0xFE, 1, 0, 0, 0, 0, 0, 0, 0x80]), Some(0x8000_0000_0000_0001));
        for bytes in [&[][..], &[0xFB], &[0xFF], &[0xFC, 1], &[0xFD, 1, 2], &[0xFE, 1, 2, 3, 4, 5, 6, 7]] {
            assert_eq!(number(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn strings_end_within_the_packet() {
        assert_eq!(Reader(b"\x02abc").length_encoded_bytes(), Some(&b"ab"[..]));
        assert_eq!(Reader(b"\x04abc").length_encoded_bytes(), None);
        assert_eq!(Reader(&[0xFE; 9]).length_encoded_bytes(), None);
        assert_eq!(
            Reader(&[&[0xFC, 251, 0][..], &[b'a'; 251]].concat()).length_encoded_bytes(),
            Some(&[b'a'; 251][..])
        );
        let mut reader = Reader(b"ab\0c");
        assert_eq!((reader.nul_terminated(), reader.0), (Some(&b"ab"[..]), &b"c"[..]));
        assert_eq!(reader.nul_terminated(), None);
    }
}
