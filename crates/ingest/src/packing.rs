//! How a file is packed, told from its first bytes.
//!
//! One place, because the watch must call complete what the reader will take as one unit: two opinions on
//! what is packed would follow a gzip file line by line, or wait for a log to settle that never does.

/// The first bytes that tell; a shorter file is plain.
pub(crate) const MAGIC_BYTES: u64 = 4;

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// Not at all.
    Plain,
}

impl Packing {
    /// Tells by the first [`MAGIC_BYTES`] of a file.
    pub(crate) fn of(magic: &[u8]) -> Self {
        match magic {
            [0x1f, 0x8b, ..] => Packing::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd] => Packing::Zstd,
            _ => Packing::Plain,
        }
    }
}
