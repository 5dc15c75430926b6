//! Which values and words lie in which 4,096 records of a file: what makes a needle cost milliseconds.
//!
//! Parquet's own Bloom filters say "somewhere in these 131,072 rows", so a hit decodes a whole column chunk,
//! and they know no words and no keys of maps. This one is bit-sliced: for each position there is one bit per
//! granule, so that a look-up that reads k positions and ANDs them knows all granules at once. The k positions of
//! a value lie in one block, so that a look-up is one small read per row group, and its checksum is verified at
//! each read: what is damaged never denies that a value is there.
//!
//! The file, numbers little-endian:
//!
//! ```text
//! magic "WEIRFLT1", u32 row groups, u32 reserved
//! per row group: u64 offset of its blocks, u32 blocks, u32 width in bits (1, 2, 4, ... 32)
//! per block: u64 xxh3 of it
//! u64 xxh3 of all above
//! blocks: 1,024 positions of `width` bits; bit g of a position belongs to granule g of the row group
//! ```

mod builder;
mod hash_set;
mod hashes;
mod reader;
#[cfg(test)]
mod tests;

pub use hashes::{value_hash, word_hash};
pub use reader::{Filter, GRANULES_ALL};

pub(crate) use builder::{FilterBuilder, GroupFilter};
pub(crate) use hash_set::HashSet64;
pub(crate) use hashes::BatchHashes;

/// Rows of a granule, the unit in which a query skips: a page of each column.
pub const GRANULE_ROWS: usize = 4_096;

/// The most granules of a row group: the bits of a position.
pub const GRANULES_MAX: usize = 32;

const MAGIC: &[u8; 8] = b"WEIRFLT1";

/// Positions that a value sets, a number: the best for the bits below.
const POSITIONS_PER_HASH: u32 = 7;

/// Bits per distinct value of the fullest granule: one in 200 granules is read for nothing.
const BITS_PER_HASH: usize = 11;

/// Positions of a block. Many enough that blocks fill evenly, few enough that a look-up reads 4 KiB at most.
const POSITIONS_PER_BLOCK: usize = 1_024;

/// The most blocks of a row group: 64 MiB. More values than fit make the filter let more through.
const BLOCKS_MAX: usize = 1 << 14;

/// Bytes of the file before the table of row groups.
const HEADER_BYTES: usize = 16;

/// Bytes of a row group's entry.
const GROUP_BYTES: usize = 16;

/// Bytes of a checksum.
const CHECKSUM_BYTES: usize = 8;

/// Bytes of a block whose positions have this many bits.
const fn block_bytes(width_bits: usize) -> usize {
    POSITIONS_PER_BLOCK * width_bits / 8
}

/// The block of a hash, of so many.
fn block_of(hash: u64, blocks: usize) -> usize {
    (((hash >> 32) * blocks as u64) >> 32) as usize
}

/// The positions in its block that a hash sets. The upper half of the hash chose the block; a multiplication
/// spreads all of it again, so that values of one block do not share positions.
fn positions_of(hash: u64) -> impl Iterator<Item = usize> {
    let spread = (hash ^ (hash >> 29)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let (start, step) = (spread >> 32, (spread & 0xFFFF_FFFF) | 1);
    (0..u64::from(POSITIONS_PER_HASH))
        .map(move |nth| (start.wrapping_add(nth.wrapping_mul(step)) >> 7) as usize % POSITIONS_PER_BLOCK)
}
