//! What the database driver uses of the published crate `tokio-util_wasi`, with a guard on its packets: see the crate
//! `mysql_framing`. Nothing else depends on it.

/// Frames.
pub mod codec {
    pub use mysql_framing::{Decoder, Encoder, Framed, FramedParts};
}

/// Streams.
pub mod io {
    pub use mysql_framing::ReaderStream;
}
