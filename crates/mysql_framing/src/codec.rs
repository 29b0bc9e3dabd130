//! Between bytes and packets.

use std::io;

use bytes::BytesMut;

/// Takes packets from a buffer.
pub trait Decoder {
    /// A packet.
    type Item;
    /// Why the bytes are no packet.
    type Error: From<io::Error>;

    /// Takes the next packet, if the buffer has all of it.
    ///
    /// # Errors
    /// The bytes are no packet.
    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Self::Item>, Self::Error>;
}

/// Appends packets to a buffer.
pub trait Encoder<Item> {
    /// Why a packet cannot be sent.
    type Error: From<io::Error>;

    /// Appends a packet.
    ///
    /// # Errors
    /// The packet cannot be sent.
    fn encode(&mut self, packet: Item, buffer: &mut BytesMut) -> Result<(), Self::Error>;
}
