//! DNS queries and responses (RFC 1035, AAAA from RFC 3596), used with `DNS_SERVER` only.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The record type of an IPv4 address.
pub(crate) const A: u16 = 1;
/// The record type of an IPv6 address.
pub(crate) const AAAA: u16 = 28;

/// Why a response has no addresses.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ResponseError {
    /// The name does not exist.
    NoSuchName,
    /// The server failed; a retry may succeed.
    TryAgain,
    /// It is not a valid response to the query.
    Invalid,
}

/// A query for TCP, with its length in front. `None` if the name is invalid: a label has 1 to 63 bytes, a name at most
/// 253.
pub(crate) fn query(id: u16, name: &str, kind: u16) -> Option<Vec<u8>> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() || name.len() > 253 {
        return None;
    }
    let mut message = Vec::with_capacity(name.len() + 18);
    message.extend(id.to_be_bytes());
    // A recursive query with one question.
    message.extend([0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..64).contains(length))?;
        message.push(length);
        message.extend(label.bytes());
    }
    message.push(0);
    message.extend(kind.to_be_bytes());
    message.extend([0, 1]);
    let mut framed = u16::try_from(message.len()).ok()?.to_be_bytes().to_vec();
    framed.extend(message);
    Some(framed)
}

/// The addresses in the response to query `id`, without the length in front.
///
/// # Errors
/// See [`ResponseError`]. If the name has no address of the record type, the result is empty.
pub(crate) fn addresses(id: u16, message: &[u8]) -> Result<Vec<IpAddr>, ResponseError> {
    let mut reader = Reader { message, at: 0 };
    let header: [u8; 12] = reader.take().ok_or(ResponseError::Invalid)?;
    let [i, d, flags, code, q, questions, a, answers, ..] = header;
    if u16::from_be_bytes([i, d]) != id || flags & 0x80 == 0 {
        return Err(ResponseError::Invalid);
    }
    match code & 0x0f {
        0 => {}
        3 => return Err(ResponseError::NoSuchName),
        _ => return Err(ResponseError::TryAgain),
    }
    for _ in 0..u16::from_be_bytes([q, questions]) {
        reader.name().ok_or(ResponseError::Invalid)?;
        reader.take::<4>().ok_or(ResponseError::Invalid)?;
    }
    let mut found = Vec::new();
    for _ in 0..u16::from_be_bytes([a, answers]) {
        found.extend(reader.record().ok_or(ResponseError::Invalid)?);
    }
    Ok(found)
}

/// Reads a message with bounds checks.
struct Reader<'a> {
    message: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// Takes the next `N` bytes.
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let bytes = *self.message.get(self.at..)?.first_chunk::<N>()?;
        self.at += N;
        Some(bytes)
    }

    /// Skips a name. A compressed name ends with a pointer.
    fn name(&mut self) -> Option<()> {
        loop {
            let [length] = self.take()?;
            match length {
                0 => return Some(()),
                1..64 => self.at += usize::from(length),
                192.. => return self.take::<1>().map(|_| ()),
                _ => return None,
            }
        }
    }

    /// Takes a record and returns its address, if it has one.
    fn record(&mut self) -> Option<Option<IpAddr>> {
        self.name()?;
        let [k, ind, _, _, _, _, _, _, l, ength] = self.take::<10>()?;
        let end = self.at + usize::from(u16::from_be_bytes([l, ength]));
        let data = self.message.get(self.at..end)?;
        self.at = end;
        let v4 = || <[u8; 4]>::try_from(data).ok().map(|bytes| Ipv4Addr::from(bytes).into());
        let v6 = || <[u8; 16]>::try_from(data).ok().map(|bytes| Ipv6Addr::from(bytes).into());
        match u16::from_be_bytes([k, ind]) {
            A => Some(v4()),
            AAAA => Some(v6()),
            _ => Some(None),
        }
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    /// A response to the query: a CNAME and one address of each type.
    fn response() -> Vec<u8> {
        let mut message = query(7, "db.example", A).unwrap()[2..].to_vec();
        message[2] = 0x81;
        message[7] = 3;
        for (kind, data) in
            [(5_u16, vec![1, b'x', 0]), (A, vec![10, 0, 0, 7]), (AAAA, Ipv6Addr::LOCALHOST.octets().to_vec())]
        {
            message.extend([0xc0, 12]);
            message.extend(kind.to_be_bytes());
            message.extend([0, 1, 0, 0, 0, 60]);
            message.extend((data.len() as u16).to_be_bytes());
            message.extend(data);
        }
        message
    }

    #[test]
    fn a_query_has_the_bytes_of_the_rfc() {
        let expected = [0, 20, 0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, b'd', b'b', 0];
        let message = query(7, "db.", A).unwrap();
        assert_eq!(message[..18], expected);
        assert_eq!(message[18..], [0, 1, 0, 1]);
    }

    #[test]
    fn the_addresses_are_found_and_the_alias_is_skipped() {
        let expected: Vec<IpAddr> = vec![Ipv4Addr::new(10, 0, 0, 7).into(), Ipv6Addr::LOCALHOST.into()];
        assert_eq!(addresses(7, &response()), Ok(expected));
    }

    #[test]
    fn an_invalid_name_has_no_query() {
        let long = "a".repeat(64);
        for name in ["", ".", "a..b", &long, &"a.".repeat(200)] {
            assert_eq!(query(1, name, A), None, "{name}");
        }
    }

    #[test]
    fn response_errors_are_told_apart() {
        let mut message = response();
        assert_eq!(addresses(8, &message), Err(ResponseError::Invalid), "the response to another query");
        message[3] = 3;
        assert_eq!(addresses(7, &message), Err(ResponseError::NoSuchName));
        message[3] = 2;
        assert_eq!(addresses(7, &message), Err(ResponseError::TryAgain));
    }

    #[test]
    fn a_truncated_or_altered_response_never_panics() {
        let whole = response();
        for length in 0..whole.len() {
            assert!(addresses(7, &whole[..length]).is_err(), "truncated at {length}");
        }
        for index in 0..whole.len() {
            for value in [0, 1, 63, 64, 128, 192, 255] {
                let mut altered = whole.clone();
                altered[index] = value;
                let _ = addresses(7, &altered);
            }
        }
    }
}
