//! What a datagram holds, by its first bytes, and what is inside.
//!
//! Nothing on the wire says how a message was packed, so receivers look at the first two bytes. No JSON text begins
//! with any of these.
//!
//! Sources: RFC 1950 (zlib: any window, not only the `78` that most write), RFC 1952 (gzip), the GELF specification.

use super::chunks::MESSAGE_BYTES_MAX;
use super::drops::DropCause;
use crate::inflate::{InflateError, Inflater};

/// How the bytes are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Chunk,
    Gzip,
    Zlib,
    Plain,
}

impl Packing {
    /// Tells it from the first two bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        match *bytes {
            [0x1e, 0x0f, ..] => Packing::Chunk,
            [0x1f, 0x8b, ..] => Packing::Gzip,
            [first, second, ..] if is_zlib(first, second) => Packing::Zlib,
            _ => Packing::Plain,
        }
    }
}

/// Method 8 with a window of at most 32 KiB, and a check that makes both bytes a multiple of 31.
fn is_zlib(first: u8, second: u8) -> bool {
    first & 0x0f == 8 && first >> 4 <= 7 && u16::from_be_bytes([first, second]).is_multiple_of(31)
}

/// Unpacks messages, in a buffer that is as large as a message may become; what is not written to costs nothing.
pub(crate) struct Unpacker {
    inflater: Option<Inflater>,
    room: Vec<u8>,
}

impl Unpacker {
    pub(crate) fn new() -> Self {
        Self { inflater: Inflater::new(), room: Vec::with_capacity(MESSAGE_BYTES_MAX) }
    }

    /// The message that `packed` holds; a chunk holds none.
    pub(crate) fn unpack(&mut self, packing: Packing, packed: Vec<u8>) -> Result<Vec<u8>, DropCause> {
        match packing {
            Packing::Plain => Ok(packed),
            Packing::Chunk => Err(DropCause::NestedChunk),
            Packing::Gzip | Packing::Zlib => self.inflate(packing, &packed).map(<[u8]>::to_vec),
        }
    }

    /// The message in gzip or zlib data.
    pub(crate) fn inflate(&mut self, packing: Packing, packed: &[u8]) -> Result<&[u8], DropCause> {
        let Some(inflater) = &mut self.inflater else { return Err(DropCause::BadCompression) };
        let unpacked = match packing {
            Packing::Gzip => inflater.gunzip_within(packed, &mut self.room),
            _ => inflater.unzlib(packed, &mut self.room),
        };
        match unpacked {
            Ok(()) if self.room.len() <= MESSAGE_BYTES_MAX => Ok(&self.room),
            Ok(()) | Err(InflateError::TooLarge) => Err(DropCause::TooLarge),
            Err(InflateError::BadData) => Err(DropCause::BadCompression),
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};

    pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    pub(crate) fn zlib(text: &[u8], level: u32) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{gzip, zlib};
    use super::*;

    fn check(packed: &[u8], expected: Result<&[u8], DropCause>) {
        let found = Unpacker::new().unpack(Packing::of(packed), packed.to_vec());
        assert_eq!(found.as_deref().map_err(|cause| *cause), expected);
    }

    #[test]
    fn the_packing_is_told_by_two_bytes() {
        for (bytes, expected) in [
            (b"\x1e\x0f1".as_slice(), Packing::Chunk),
            (b"\x1f\x8b", Packing::Gzip),
            (b"\x78\x01", Packing::Zlib),
            (b"\x78\x5e", Packing::Zlib),
            (b"\x78\x9c", Packing::Zlib),
            (b"\x78\xda", Packing::Zlib),
            (b"\x48\x89", Packing::Zlib),
            (b"\x78\x00", Packing::Plain),
            (b"\x88\x1c", Packing::Plain),
            (b"x", Packing::Plain),
            (b"{}", Packing::Plain),
            (b"\xef\xbb\xbf{", Packing::Plain),
            (b"", Packing::Plain),
        ] {
            assert_eq!(Packing::of(bytes), expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn packed_messages_are_unpacked() {
        let message = br#"{"short_message":"m"}"#;
        check(message, Ok(message));
        check(&gzip(message), Ok(message));
        for level in 0..=9 {
            check(&zlib(message, level), Ok(message));
        }
        let two = [gzip(&message[..5]), gzip(&message[5..])].concat();
        check(&two, Ok(message));
    }

    #[test]
    fn what_cannot_be_unpacked_says_why() {
        let message = [b'm'; 1_000];
        let (gzip_data, zlib_data) = (gzip(&message), zlib(&message, 6));
        check(&gzip_data[..gzip_data.len() - 9], Err(DropCause::BadCompression));
        check(&zlib_data[..zlib_data.len() - 1], Err(DropCause::BadCompression));
        check(b"\x78\x9cnonsense", Err(DropCause::BadCompression));
        check(b"\x1f\x8b", Err(DropCause::BadCompression));
        check(b"\x1e\x0f12345678\x00\x01{}", Err(DropCause::NestedChunk));
        let largest = vec![b' '; MESSAGE_BYTES_MAX];
        check(&gzip(&largest), Ok(&largest));
        check(&zlib(&largest, 1), Ok(&largest));
        let bomb = vec![b' '; MESSAGE_BYTES_MAX + 1];
        check(&gzip(&bomb), Err(DropCause::TooLarge));
        check(&zlib(&bomb, 1), Err(DropCause::TooLarge));
        // The size in the trailer lies.
        let mut liar = gzip(&bomb);
        let end = liar.len() - 4;
        liar[end..].copy_from_slice(&[1, 0, 0, 0]);
        check(&liar, Err(DropCause::TooLarge));
    }
}
