//! A question to a name server and its answer (RFC 1035, AAAA from RFC 3596), for `DNS_SERVER` alone: without that variable the runtime's own
//! resolver is asked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The type of a question: an IPv4 address.
pub(crate) const A: u16 = 1;
/// The type of a question: an IPv6 address.
pub(crate) const AAAA: u16 = 28;

/// Why an answer gives no addresses.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The server says that the name does not exist.
    NoSuchName,
    /// The server cannot say now.
    TryAgain,
    /// It is not an answer to the question.
    Garbled,
}

/// A question as it goes over TCP, its length in front. `None` for what is not a name: labels are 1 to 63 bytes, all together 253.
pub(crate) fn question(id: u16, name: &str, kind: u16) -> Option<Vec<u8>> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() || name.len() > 253 {
        return None;
    }
    let mut message = Vec::with_capacity(name.len() + 18);
    message.extend(id.to_be_bytes());
    // A query that wishes for recursion, with one question.
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

/// The addresses in an answer to the question `id`, without the length in front.
///
/// # Errors
/// See [`Refusal`]. A name without an address of the kind asked for is no error and no address.
pub(crate) fn addresses(id: u16, message: &[u8]) -> Result<Vec<IpAddr>, Refusal> {
    let mut reader = Reader { message, at: 0 };
    let header: [u8; 12] = reader.take().ok_or(Refusal::Garbled)?;
    let [i, d, flags, code, q, questions, a, answers, ..] = header;
    if u16::from_be_bytes([i, d]) != id || flags & 0x80 == 0 {
        return Err(Refusal::Garbled);
    }
    match code & 0x0f {
        0 => {}
        3 => return Err(Refusal::NoSuchName),
        _ => return Err(Refusal::TryAgain),
    }
    for _ in 0..u16::from_be_bytes([q, questions]) {
        reader.name().ok_or(Refusal::Garbled)?;
        reader.take::<4>().ok_or(Refusal::Garbled)?;
    }
    let mut found = Vec::new();
    for _ in 0..u16::from_be_bytes([a, answers]) {
        found.extend(reader.record().ok_or(Refusal::Garbled)?);
    }
    Ok(found)
}

/// Goes through a message without ever leaving it.
struct Reader<'a> {
    message: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// The next so many bytes.
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let bytes = *self.message.get(self.at..)?.first_chunk::<N>()?;
        self.at += N;
        Some(bytes)
    }

    /// Passes over a name; one that goes on elsewhere ends here with a pointer.
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

    /// Passes over a record; the address in it, if it is one.
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
#[expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may end")]
mod tests {
    use super::*;

    /// An answer to the question: a CNAME and one address of each kind.
    fn answer() -> Vec<u8> {
        let mut message = question(7, "db.example", A).unwrap()[2..].to_vec();
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
    fn a_question_is_as_the_rfc_draws_it() {
        let expected = [0, 20, 0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, b'd', b'b', 0];
        let asked = question(7, "db.", A).unwrap();
        assert_eq!(asked[..18], expected);
        assert_eq!(asked[18..], [0, 1, 0, 1]);
    }

    #[test]
    fn the_addresses_come_out_and_the_alias_is_passed_over() {
        let expected: Vec<IpAddr> = vec![Ipv4Addr::new(10, 0, 0, 7).into(), Ipv6Addr::LOCALHOST.into()];
        assert_eq!(addresses(7, &answer()), Ok(expected));
    }

    #[test]
    fn what_is_no_name_is_not_asked_for() {
        let long = "a".repeat(64);
        for name in ["", ".", "a..b", &long, &"a.".repeat(200)] {
            assert_eq!(question(1, name, A), None, "{name}");
        }
    }

    #[test]
    fn refusals_are_told_apart() {
        let mut message = answer();
        assert_eq!(addresses(8, &message), Err(Refusal::Garbled), "another question's answer");
        message[3] = 3;
        assert_eq!(addresses(7, &message), Err(Refusal::NoSuchName));
        message[3] = 2;
        assert_eq!(addresses(7, &message), Err(Refusal::TryAgain));
    }

    #[test]
    fn a_cut_or_altered_answer_never_panics() {
        let whole = answer();
        for length in 0..whole.len() {
            assert!(addresses(7, &whole[..length]).is_err(), "cut at {length}");
        }
        for place in 0..whole.len() {
            for value in [0, 1, 63, 64, 128, 192, 255] {
                let mut altered = whole.clone();
                altered[place] = value;
                let _ = addresses(7, &altered);
            }
        }
    }
}
