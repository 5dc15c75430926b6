//! Asking a filter: one read of at most 4 KiB per row group and value.
//!
//! The blocks stay on the disk and in the system's cache: filters are a tenth of the store, and holding those of
//! a year in memory would be most of what the process has.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use xxhash_rust::xxh3::xxh3_64;

use super::{
    BLOCKS_MAX, CHECKSUM_BYTES, GRANULES_MAX, GROUP_BYTES, GroupFilter, HEADER_BYTES, MAGIC, block_bytes,
    block_of, positions_of,
};
use crate::error::StoreError;

/// The answer "may be in any granule".
pub const GRANULES_ALL: u32 = u32::MAX;

/// The most row groups of a file: more than the largest join makes by far.
const GROUPS_MAX: usize = 1 << 16;

/// The filter of one file, open.
#[derive(Debug)]
pub struct Filter {
    file: File,
    path: PathBuf,
    groups: Vec<Group>,
    checksums: Vec<u64>,
    is_damage_reported: AtomicBool,
}

#[derive(Debug)]
struct Group {
    offset: u64,
    blocks: usize,
    width_bits: usize,
    /// Index of its first block among all.
    first_block: usize,
}

impl Filter {
    /// Opens a filter and checks its head.
    ///
    /// # Errors
    ///
    /// If it can't be read or is damaged; then every granule must be read.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(|error| StoreError::io("open", path, error))?;
        let damaged = |what: &str| StoreError::damaged(path, &what);
        let mut head = vec![0; HEADER_BYTES];
        let read = |bytes: &mut [u8], offset: usize| {
            file.read_exact_at(bytes, offset as u64).map_err(|error| StoreError::io("read", path, error))
        };
        read(&mut head, 0)?;
        if &head[..8] != MAGIC {
            return Err(damaged("it does not begin as a filter"));
        }
        let group_count = u32_at(&head, 8) as usize;
        if group_count > GROUPS_MAX {
            return Err(damaged("it has too many row groups"));
        }
        head.resize(HEADER_BYTES + group_count * GROUP_BYTES, 0);
        read(&mut head[HEADER_BYTES..], HEADER_BYTES)?;
        let groups = read_groups(&head).ok_or_else(|| damaged("a row group makes no sense"))?;
        let blocks: usize = groups.iter().map(|group| group.blocks).sum();
        let table_start = head.len();
        if (blocks * CHECKSUM_BYTES) as u64 > file.metadata().map_or(0, |metadata| metadata.len()) {
            return Err(damaged("it is shorter than its table of blocks"));
        }
        head.resize(table_start + (blocks + 1) * CHECKSUM_BYTES, 0);
        read(&mut head[table_start..], table_start)?;
        let (covered, checksum) = head.split_at(head.len() - CHECKSUM_BYTES);
        if xxh3_64(covered) != u64_at(checksum, 0) {
            return Err(damaged("the checksum of its head is wrong"));
        }
        let checksums =
            covered[table_start..].chunks_exact(CHECKSUM_BYTES).map(|bytes| u64_at(bytes, 0)).collect();
        drop(head);
        Ok(Self {
            file,
            path: path.to_owned(),
            groups,
            checksums,
            is_damage_reported: AtomicBool::new(false),
        })
    }

    /// The granules of a row group that may hold the value with this hash: bit g for granule g. What can't be
    /// read lets everything through.
    pub fn granules(&self, row_group: usize, hash: u64) -> u32 {
        let Some(group) = self.groups.get(row_group) else { return GRANULES_ALL };
        // As the builder has it, which keeps 0 for "none".
        let hash = hash.max(1);
        let block = block_of(hash, group.blocks);
        let block_bytes = block_bytes(group.width_bits);
        let mut buffer = [0u8; block_bytes_max()];
        let bytes = &mut buffer[..block_bytes];
        let read = self.file.read_exact_at(bytes, group.offset + (block * block_bytes) as u64);
        if read.is_err() || self.checksums.get(group.first_block + block) != Some(&xxh3_64(bytes)) {
            self.report_damage();
            return GRANULES_ALL;
        }
        positions_of(hash).fold(GRANULES_ALL, |found, position| found & group.bits_at(bytes, position))
    }

    /// All blocks of a row group, to be written elsewhere; `None` where they are damaged.
    pub(crate) fn copy_group(&self, row_group: usize) -> Option<GroupFilter> {
        let group = self.groups.get(row_group)?;
        let block_bytes = block_bytes(group.width_bits);
        let mut bytes = vec![0; group.blocks * block_bytes];
        self.file.read_exact_at(&mut bytes, group.offset).ok()?;
        let checksums = self.checksums.get(group.first_block..group.first_block + group.blocks)?;
        let is_whole = bytes.chunks(block_bytes).map(xxh3_64).eq(checksums.iter().copied());
        is_whole.then_some(GroupFilter { width_bits: group.width_bits, bytes })
    }

    /// Memory that it takes, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.groups.len() * size_of::<Group>() + self.checksums.len() * CHECKSUM_BYTES
    }

    fn report_damage(&self) {
        if !self.is_damage_reported.swap(true, Ordering::Relaxed) {
            let path = self.path.display();
            tracing::warn!(%path, "a filter is damaged: queries are slower, and miss nothing");
        }
    }
}

impl Group {
    fn bits_at(&self, block: &[u8], position: usize) -> u32 {
        let bit = position * self.width_bits;
        let word = u32_at(block, bit / 32 * 4) >> (bit % 32);
        if self.width_bits == 32 { word } else { word & ((1 << self.width_bits) - 1) }
    }
}

const fn block_bytes_max() -> usize {
    block_bytes(GRANULES_MAX)
}

fn read_groups(head: &[u8]) -> Option<Vec<Group>> {
    let mut first_block = 0;
    let mut groups = Vec::new();
    for entry in head[HEADER_BYTES..].chunks_exact(GROUP_BYTES) {
        let (blocks, width_bits) = (u32_at(entry, 8) as usize, u32_at(entry, 12) as usize);
        if blocks == 0 || blocks > BLOCKS_MAX || !width_bits.is_power_of_two() || width_bits > GRANULES_MAX {
            return None;
        }
        groups.push(Group { offset: u64_at(entry, 0), blocks, width_bits, first_block });
        first_block += blocks;
    }
    Some(groups)
}

fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[offset..offset + 4]);
    u32::from_le_bytes(number)
}

fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[offset..offset + 8]);
    u64::from_le_bytes(number)
}
