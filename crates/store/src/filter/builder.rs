//! The filter of one file, made while its row groups are written.
//!
//! The hashes of a row group are kept until its last row, because the size of its table follows from the
//! fullest granule; then they become bits and go.

use std::io::{Result, Write};

use xxhash_rust::xxh3::xxh3_64;

use super::{
    BITS_PER_HASH, BLOCKS_MAX, CHECKSUM_BYTES, GRANULES_MAX, GROUP_BYTES, HEADER_BYTES, MAGIC,
    POSITIONS_PER_BLOCK, block_bytes, block_of, positions_of,
};

/// The filter of one row group.
#[derive(Clone, Debug)]
pub(crate) struct GroupFilter {
    /// Bits of a position: a power of two, at least the number of granules.
    pub(super) width_bits: usize,
    /// The blocks, one behind the other.
    pub(super) bytes: Vec<u8>,
}

impl GroupFilter {
    /// From the distinct hashes of each granule, 32 granules at most.
    pub(crate) fn new(granules: &[Vec<u64>]) -> Self {
        debug_assert!(granules.len() <= GRANULES_MAX, "a position has 32 bits");
        let fullest = granules.iter().map(Vec::len).max().unwrap_or(0);
        let blocks = (fullest * BITS_PER_HASH).div_ceil(POSITIONS_PER_BLOCK).clamp(1, BLOCKS_MAX);
        let mut words = vec![0u32; blocks * POSITIONS_PER_BLOCK];
        for (granule, hashes) in granules.iter().enumerate() {
            for &hash in hashes {
                let start = block_of(hash, blocks) * POSITIONS_PER_BLOCK;
                positions_of(hash).for_each(|position| words[start + position] |= 1 << granule);
            }
        }
        let width_bits = granules.len().max(1).next_power_of_two();
        Self { width_bits, bytes: packed(&words, width_bits) }
    }

    /// One that denies nothing.
    pub(crate) fn letting_all_through() -> Self {
        Self { width_bits: GRANULES_MAX, bytes: vec![0xFF; block_bytes(GRANULES_MAX)] }
    }

    fn blocks(&self) -> usize {
        self.bytes.len() / block_bytes(self.width_bits)
    }
}

/// The lower `width_bits` bits of each word, without gaps.
fn packed(words: &[u32], width_bits: usize) -> Vec<u8> {
    let words_per_word = 32 / width_bits;
    let pack = |words: &[u32]| {
        let shifted = words.iter().enumerate().map(|(nth, word)| word << (nth * width_bits));
        shifted.fold(0u32, |packed, word| packed | word).to_le_bytes()
    };
    words.chunks(words_per_word).flat_map(pack).collect()
}

/// The row groups of a file, in their order.
#[derive(Debug, Default)]
pub(crate) struct FilterBuilder {
    groups: Vec<GroupFilter>,
}

impl FilterBuilder {
    /// Adds the next row group's.
    pub(crate) fn push(&mut self, group: GroupFilter) {
        self.groups.push(group);
    }

    /// Writes the file's bytes, and says how many.
    pub(crate) fn write(&self, out: &mut impl Write) -> Result<u64> {
        let blocks: usize = self.groups.iter().map(GroupFilter::blocks).sum();
        let head_bytes =
            HEADER_BYTES + self.groups.len() * GROUP_BYTES + blocks * CHECKSUM_BYTES + CHECKSUM_BYTES;
        let mut head = Vec::with_capacity(head_bytes);
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&(self.groups.len() as u32).to_le_bytes());
        head.extend_from_slice(&0u32.to_le_bytes());
        let mut offset = head_bytes as u64;
        for group in &self.groups {
            head.extend_from_slice(&offset.to_le_bytes());
            head.extend_from_slice(&(group.blocks() as u32).to_le_bytes());
            head.extend_from_slice(&(group.width_bits as u32).to_le_bytes());
            offset += group.bytes.len() as u64;
        }
        for group in &self.groups {
            for block in group.bytes.chunks(block_bytes(group.width_bits)) {
                head.extend_from_slice(&xxh3_64(block).to_le_bytes());
            }
        }
        let checksum = xxh3_64(&head);
        head.extend_from_slice(&checksum.to_le_bytes());
        out.write_all(&head)?;
        self.groups.iter().try_for_each(|group| out.write_all(&group.bytes))?;
        Ok(offset)
    }
}
