//! Checks each packet of the database server before the driver parses it.
//!
//! mysql_async trusts its server. A server that is broken, malicious, or no database at all can make it panic, and in
//! wasm a panic ends the process. It can also make it send the password in the clear or allocate without bound:
//!
//! | packet | the driver without this crate |
//! |---|---|
//! | an empty row | panics (`Protocol::is_last_result_set_packet`) |
//! | an error of three bytes | panics (`ServerError::deserialize`) |
//! | a result with 2⁶⁰ columns | panics (`Conn::read_packets`: capacity overflow) |
//! | a value of a column type without a decoder | panics (`Value::deserialize_bin`) |
//! | a version with digits outside of ASCII | panics (`HandshakePacket::server_version_parsed`) |
//! | a switch to `mysql_old_password` without a nonce | panics, with `secure_auth=false` (`AuthPlugin::gen_data`) |
//! | a public key that is none, or empty, for `caching_sha2_password` | panics (`crypto::encrypt`) |
//! | a public key of the attacker's for `caching_sha2_password` | sends the password, encrypted for the attacker |
//! | settings that are no numbers | panics (`Conn::read_settings`) |
//! | rows without an end, or one that is longer than memory | keeps all of it |
//!
//! The driver reads and writes its stream through `tokio_util::codec::Framed`, which is above TLS and below the
//! driver's parser. This crate has a [`Framed`] of its own with a [`Guard`]. The guard follows the conversation in both
//! directions and accepts only what the protocol allows next. For anything else the read fails, and the driver closes
//! the connection.
//!
//! Our crates `tokio-util` and `tokio-util_wasi` replace the published ones (`[patch.crates-io]`). They have only those
//! items of this crate that the driver uses; nothing else here depends on them.

mod codec;
mod framed;
mod guard;
mod packets;
mod reader;
mod reader_stream;
mod state;
mod violation;

pub use codec::{Decoder, Encoder};
pub use framed::{Framed, FramedParts};
pub use guard::Guard;
pub use reader_stream::ReaderStream;
pub use violation::Violation;
