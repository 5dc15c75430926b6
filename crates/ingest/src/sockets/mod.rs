//! GELF and syslog over UDP and TCP: what others send to sockets of ours.
//!
//! The two differ in how a stream is cut and a datagram packed, and in nothing else: who may send, what is bounded and
//! how losses are counted is the same for both.
//!
//! What is pure is apart from what waits for a network: [`DatagramDecoder`] makes messages of datagrams and knows
//! no socket, so that chunk sets from hostile senders are a matter of a test.

mod chunks;
mod datagrams;
mod drops;
mod frames;
mod payload;
mod senders;
mod syslog_frames;
mod tcp;
#[cfg(test)]
mod tests;
mod udp;

pub use chunks::{CHUNK_BOUNDS, CHUNKS_MAX, CHUNKS_TIME_MAX, ChunkAssembler, ChunkBounds, MESSAGE_BYTES_MAX};
pub use datagrams::DatagramDecoder;
pub use drops::{DropCause, Drops};
pub use tcp::{CONNECTIONS_MAX, ConnectionCounts, FRAME_TIME_MAX, IDLE_TIME_MAX, TcpReceiver, TcpSettings};
pub use udp::{DatagramCounts, RECEIVE_BUFFER_BYTES_DEFAULT, UdpReceiver, UdpSettings};
