//! GELF over UDP and TCP.
//!
//! What is pure is apart from what waits for a network: [`DatagramDecoder`] makes messages of datagrams and knows
//! no socket, so that chunk sets from hostile senders are a matter of a test.

mod chunks;
mod datagrams;
mod drops;
mod payload;

pub use chunks::{CHUNK_BOUNDS, CHUNKS_MAX, CHUNKS_TIME_MAX, ChunkAssembler, ChunkBounds, MESSAGE_BYTES_MAX};
pub use datagrams::DatagramDecoder;
pub use drops::{DropCause, Drops};
