//! Datagrams to messages: chunks put together, packed ones unpacked.
//!
//! Everything between the socket and the queue, without either, so that a test or a fuzzer can be the network.

use std::net::IpAddr;
use std::time::Duration;

use super::chunks::{CHUNK_BOUNDS, ChunkAssembler, ChunkBounds};
use super::drops::{DropCause, Drops};
use super::payload::{Packing, Unpacker};
use crate::protocol::Protocol;

/// Makes messages of datagrams.
pub struct DatagramDecoder {
    /// Whether datagrams may be packed, or parts of messages.
    is_gelf: bool,
    assembler: ChunkAssembler,
    unpacker: Unpacker,
    /// Messages that were given up and not yet taken from here.
    pub drops: Drops,
}

impl Default for DatagramDecoder {
    fn default() -> Self {
        Self::new(CHUNK_BOUNDS)
    }
}

impl DatagramDecoder {
    /// A decoder with these bounds on what waits.
    pub fn new(bounds: ChunkBounds) -> Self {
        Self {
            is_gelf: true,
            assembler: ChunkAssembler::new(bounds),
            unpacker: Unpacker::new(),
            drops: Drops::default(),
        }
    }

    /// A decoder of datagrams in this protocol; in syslog each is one message.
    pub fn of(protocol: Protocol) -> Self {
        Self { is_gelf: protocol == Protocol::Gelf, ..Self::default() }
    }

    /// The message that a datagram holds or completes. Each datagram that is no chunk, and each set of chunks, is
    /// one message or one drop.
    ///
    /// `now` is a time on a clock that only goes forward.
    pub fn decode(&mut self, sender: IpAddr, datagram: &[u8], now: Duration) -> Option<Vec<u8>> {
        if datagram.is_empty() {
            self.drops.add(DropCause::Empty, 1);
            return None;
        }
        if !self.is_gelf {
            return Some(datagram.to_vec());
        }
        let packing = Packing::of(datagram);
        let decoded = match packing {
            Packing::Plain => return Some(datagram.to_vec()),
            Packing::Gzip | Packing::Zlib => self.unpacker.inflate(packing, datagram).map(<[u8]>::to_vec),
            Packing::Chunk => {
                let whole = self.assembler.take(sender, datagram, now, &mut self.drops)?;
                self.unpacker.unpack(Packing::of(&whole), whole)
            }
        };
        let decoded = decoded.and_then(|message| match message.is_empty() {
            true => Err(DropCause::Empty),
            false => Ok(message),
        });
        decoded.map_err(|cause| self.drops.add(cause, 1)).ok()
    }

    /// Gives up messages whose chunks did not come in time.
    pub fn expire(&mut self, now: Duration) {
        self.assembler.expire(now, &mut self.drops);
    }

    /// Gives up all messages that wait for chunks.
    pub fn finish(&mut self, now: Duration) {
        self.assembler.close_all(now, &mut self.drops);
    }

    /// Messages that wait for chunks.
    pub fn pending(&self) -> usize {
        self.assembler.open_count()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::super::payload::testing::{gzip, zlib};
    use super::*;

    const SENDER: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
    const MESSAGE: &[u8] = br#"{"short_message":"m"}"#;

    fn chunks(message: &[u8]) -> Vec<Vec<u8>> {
        let parts: Vec<&[u8]> = message.chunks(9).collect();
        let count = parts.len() as u8;
        let chunk = |(number, part): (usize, &&[u8])| {
            [b"\x1e\x0f12345678".as_slice(), &[number as u8, count], part].concat()
        };
        parts.iter().enumerate().map(chunk).collect()
    }

    fn check(datagrams: &[Vec<u8>], messages: &[&[u8]], dropped: &[(&'static str, u64)]) {
        let mut decoder = DatagramDecoder::default();
        let decode = |datagram: &Vec<u8>| decoder.decode(SENDER, datagram, Duration::ZERO);
        assert_eq!(datagrams.iter().filter_map(decode).collect::<Vec<_>>(), messages);
        decoder.finish(Duration::ZERO);
        assert_eq!(decoder.drops.take(), dropped);
    }

    #[test]
    fn messages_come_as_they_are_packed_chunked_or_both() {
        check(&[MESSAGE.to_vec(), gzip(MESSAGE), zlib(MESSAGE, 9)], &[MESSAGE; 3], &[]);
        check(&chunks(MESSAGE), &[MESSAGE], &[]);
        check(&chunks(&gzip(MESSAGE)), &[MESSAGE], &[]);
        check(&chunks(&zlib(MESSAGE, 1)), &[MESSAGE], &[]);
        // What makes no sense as a message is for the parser to say.
        check(&[b"hello".to_vec(), b"x".to_vec()], &[b"hello", b"x"], &[]);
    }

    #[test]
    fn what_is_no_message_is_counted_by_its_cause() {
        check(&[Vec::new()], &[], &[("empty", 1)]);
        check(&[gzip(b"")], &[], &[("empty", 1)]);
        check(&[b"\x1e\x0f12345678\0\x01".to_vec()], &[], &[("empty", 1)]);
        check(&chunks(&chunks(MESSAGE)[0]), &[], &[("chunk_nested", 1)]);
        check(&chunks(MESSAGE)[1..], &[], &[("chunks_incomplete", 1)]);
        check(&[b"\x1f\x8bxyz".to_vec()], &[], &[("bad_compression", 1)]);
        let packed = chunks(&gzip(MESSAGE)[..20]);
        check(&packed, &[], &[("bad_compression", 1)]);
    }
}
