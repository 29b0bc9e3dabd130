//! Conversations with a database server. The input is a list of packets: a byte with the length and, as its highest
//! bit, the direction; then the packet.

use mysql_framing::Guard;

pub(crate) const DICTIONARY: &[&str] =
    &["\u{7}\0\0\0\u{2}\0\0\0", "\u{5}", "5.5.5-11.8.6-MariaDB\0", "mysql_native_password\0", "\u{3}def", "\u{1}"];

/// Marks a packet of the driver.
const SENT: u8 = 0x80;

/// The guard judges each packet without a panic. What follows a packet that it rejects is never read.
pub(crate) fn run(input: &[u8]) {
    let mut guard = Guard::default();
    let mut rest = input;
    while let Some((head, packets)) = rest.split_first() {
        let length = usize::from(head & !SENT).min(packets.len());
        let (packet, next) = packets.split_at(length);
        rest = next;
        if head & SENT != 0 {
            guard.sent(packet);
        } else if guard.received(packet).is_err() {
            return;
        }
    }
}
