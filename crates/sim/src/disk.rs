//! A disk in memory that knows what was synced, and forgets the rest when its power is cut.
//!
//! `kill -9` proves little about a ledger: the page cache survives it, so a missing sync goes unseen. Here a
//! power cut keeps each write since the last sync, loses it, or keeps some of its sectors, as real disks do
//! with the order of writes that they are free to choose. A failed sync is as Linux has it: what was to be
//! synced stays readable but counts as clean, so a later sync does not bring it to the disk either.

use std::collections::BTreeSet;
use std::io::{Error, ErrorKind, Result};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::{BackendError, StorageBackend};

use crate::random::Random;

/// What a disk writes whole or not at all, in bytes: the least that is sold.
const SECTOR_BYTES: usize = 512;

/// What a file system takes of a disk at a time, in bytes.
const BLOCK_BYTES: u64 = 4096;

/// A disk with one file on it. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct Disk(Arc<Mutex<State>>);

/// The file of a [`Disk`], open; every call fails once the power was cut.
#[derive(Debug)]
pub struct DiskBackend {
    disk: Disk,
    /// Which of all handles this is.
    handle: u64,
    /// How often the power had been cut when the file was opened.
    power_cuts: u64,
}

#[derive(Debug, Default)]
struct State {
    /// What readers see.
    seen: Vec<u8>,
    /// What is there after a power cut whatever happens.
    durable: Vec<u8>,
    /// What was done since the last sync, in its order.
    unsynced: Vec<Step>,
    /// Blocks of the file that have room on the disk.
    blocks: BTreeSet<u64>,
    power_cuts: u64,
    /// Handles that there were so far.
    handles: u64,
    /// The handle that holds the file's lock.
    locked_by: Option<u64>,
    failure: Failure,
    /// Calls that change something, since ever.
    calls: u64,
}

#[derive(Clone, Debug)]
enum Step {
    Write { offset: usize, bytes: Vec<u8> },
    SetLen(usize),
}

/// What is wrong with the disk.
#[derive(Clone, Copy, Debug, Default)]
enum Failure {
    #[default]
    None,
    /// Blocks that may still be taken.
    Full { free_blocks: u64 },
    /// Calls that still succeed, and how the others fail.
    After { calls: u64, kind: ErrorKind },
    /// The same for syncs alone.
    SyncAfter { syncs: u64, kind: ErrorKind },
}

impl Disk {
    /// An empty disk of any size.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens the file. Handles may follow one another; two at once exclude each other as processes do.
    pub fn backend(&self) -> DiskBackend {
        let mut state = self.state();
        state.handles += 1;
        let (handle, power_cuts) = (state.handles, state.power_cuts);
        drop(state);
        DiskBackend { disk: self.clone(), handle, power_cuts }
    }

    /// Cuts the power and gives it back: what was not synced is kept, lost or torn as `seed` decides, open
    /// handles are dead, and failures are healed.
    pub fn cut_power(&self, seed: u64) {
        let mut state = self.state();
        let mut random = Random::new(seed);
        for step in std::mem::take(&mut state.unsynced) {
            match random.below(3) {
                0 => {}
                1 => step.apply(&mut state.durable),
                _ => step.apply_torn(&mut state.durable, &mut random),
            }
        }
        state.seen = state.durable.clone();
        state.blocks = (0..(state.seen.len() as u64).div_ceil(BLOCK_BYTES)).collect();
        state.power_cuts += 1;
        state.locked_by = None;
        state.failure = Failure::None;
    }

    /// Leaves room for `free_bytes` more, in whole blocks: then writes to new blocks fail as those to a
    /// full disk, while blocks that the file has can still be written.
    pub fn fill(&self, free_bytes: u64) {
        self.state().failure = Failure::Full { free_blocks: free_bytes / BLOCK_BYTES };
    }

    /// Lets `calls` more writes, changes of length and syncs succeed; all others fail with `kind`.
    pub fn fail_after(&self, calls: u64, kind: ErrorKind) {
        self.state().failure = Failure::After { calls, kind };
    }

    /// Lets `syncs` more syncs succeed; all others fail with `kind`, and lose what they were to sync.
    pub fn fail_syncs_after(&self, syncs: u64, kind: ErrorKind) {
        self.state().failure = Failure::SyncAfter { syncs, kind };
    }

    /// Makes the disk whole and large again.
    pub fn heal(&self) {
        self.state().failure = Failure::None;
    }

    /// How many writes, changes of length and syncs there were so far, failed ones too.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DiskBackend {
    /// The disk, where this handle outlived no power cut.
    fn powered(&self) -> Result<MutexGuard<'_, State>> {
        let state = self.disk.state();
        if state.power_cuts == self.power_cuts {
            return Ok(state);
        }
        Err(Error::new(ErrorKind::BrokenPipe, "the power was cut since this file was opened"))
    }
}

impl State {
    /// Counts a call, and fails it where the disk is to fail. `is_sync` tells syncs from changes.
    fn call(&mut self, is_sync: bool) -> Result<()> {
        self.calls += 1;
        let (left, kind) = match &mut self.failure {
            Failure::After { calls, kind } => (calls, *kind),
            Failure::SyncAfter { syncs, kind } if is_sync => (syncs, *kind),
            _ => return Ok(()),
        };
        *left = left.checked_sub(1).ok_or(kind)?;
        Ok(())
    }

    /// Takes room for the blocks from `offset` on; how many of `len` bytes may be written.
    fn take_room(&mut self, offset: usize, len: usize) -> usize {
        let end = offset + len;
        for block in offset as u64 / BLOCK_BYTES..(end as u64).div_ceil(BLOCK_BYTES) {
            if self.blocks.contains(&block) {
                continue;
            }
            if let Failure::Full { free_blocks } = &mut self.failure {
                let Some(left) = free_blocks.checked_sub(1) else {
                    return ((block * BLOCK_BYTES) as usize).saturating_sub(offset);
                };
                *free_blocks = left;
            }
            self.blocks.insert(block);
        }
        len
    }

    fn take_step(&mut self, step: Step) {
        step.apply(&mut self.seen);
        self.unsynced.push(step);
    }
}

impl Step {
    fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Self::SetLen(len) => file.resize(*len, 0),
            Self::Write { offset, bytes } => write_at(file, *offset, bytes),
        }
    }

    /// As [`Self::apply`], but each sector is kept or lost; a change of length is kept.
    fn apply_torn(&self, file: &mut Vec<u8>, random: &mut Random) {
        let Self::Write { offset, bytes } = self else {
            return self.apply(file);
        };
        let mut start = 0;
        while start < bytes.len() {
            let sector_end = (offset + start) / SECTOR_BYTES * SECTOR_BYTES + SECTOR_BYTES;
            let end = bytes.len().min(sector_end - offset);
            if random.below(2) == 0 {
                write_at(file, offset + start, &bytes[start..end]);
            }
            start = end;
        }
    }
}

/// Writes over what is there; a file that is too short grows by zeros.
fn write_at(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[offset..end].copy_from_slice(bytes);
}

fn index(offset: u64) -> Result<usize> {
    usize::try_from(offset).map_err(|_| Error::from(ErrorKind::FileTooLarge))
}

impl StorageBackend for DiskBackend {
    fn len(&self) -> Result<u64> {
        Ok(self.powered()?.seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let state = self.powered()?;
        let start = index(offset)?;
        let bytes = start.checked_add(out.len()).and_then(|end| state.seen.get(start..end));
        out.copy_from_slice(bytes.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<()> {
        let mut state = self.powered()?;
        state.call(false)?;
        let _ = state.blocks.split_off(&len.div_ceil(BLOCK_BYTES));
        state.take_step(Step::SetLen(index(len)?));
        Ok(())
    }

    fn sync_data(&self) -> Result<()> {
        let mut state = self.powered()?;
        if let Err(error) = state.call(true) {
            state.unsynced.clear();
            return Err(error);
        }
        let State { unsynced, durable, .. } = &mut *state;
        unsynced.drain(..).for_each(|step| step.apply(durable));
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        let mut state = self.powered()?;
        state.call(false)?;
        let offset = index(offset)?;
        let room = state.take_room(offset, data.len());
        if room > 0 {
            state.take_step(Step::Write { offset, bytes: data[..room].to_vec() });
        }
        if room == data.len() { Ok(()) } else { Err(ErrorKind::StorageFull.into()) }
    }

    fn close(&self) -> Result<()> {
        let mut state = self.disk.state();
        if state.locked_by == Some(self.handle) {
            state.locked_by = None;
        }
        Ok(())
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> std::result::Result<bool, BackendError> {
        let is_whole = matches!(start, Bound::Unbounded | Bound::Included(0)) && end == Bound::Unbounded;
        if !is_whole {
            return Err(BackendError::Unsupported);
        }
        let mut state = self.powered()?;
        let is_free = state.locked_by.is_none();
        if is_free {
            state.locked_by = Some(self.handle);
        }
        Ok(is_free)
    }

    fn unlock_range(&self, _: Bound<u64>, _: Bound<u64>) -> std::result::Result<(), BackendError> {
        Ok(self.close()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(disk: &Disk) -> Vec<u8> {
        let file = disk.backend();
        let mut bytes = vec![0; file.len().unwrap() as usize];
        file.read(0, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn what_was_synced_stays_and_the_rest_is_kept_lost_or_torn_by_sector() {
        let mut outcomes = BTreeSet::new();
        for seed in 0..64 {
            let disk = Disk::new();
            let file = disk.backend();
            file.write(0, &[1; 2 * SECTOR_BYTES]).unwrap();
            file.sync_data().unwrap();
            file.write(0, &[2; 2 * SECTOR_BYTES]).unwrap();
            disk.cut_power(seed);
            assert_eq!(file.write(0, &[3]).unwrap_err().kind(), ErrorKind::BrokenPipe);
            let bytes = read(&disk);
            assert_eq!(bytes.len(), 2 * SECTOR_BYTES);
            assert!(bytes.chunks(SECTOR_BYTES).all(|sector| sector.iter().all(|&byte| byte == sector[0])));
            outcomes.insert((bytes[0], bytes[SECTOR_BYTES]));
        }
        assert_eq!(outcomes, BTreeSet::from([(1, 1), (1, 2), (2, 1), (2, 2)]));
    }

    #[test]
    fn a_full_disk_takes_writes_to_blocks_that_it_has_and_those_that_fit() {
        let disk = Disk::new();
        let file = disk.backend();
        file.write(0, &[1; 100]).unwrap();
        disk.fill(2 * BLOCK_BYTES);
        file.write(0, &[2; BLOCK_BYTES as usize]).unwrap();
        let error = file.write(BLOCK_BYTES, &[3; 3 * BLOCK_BYTES as usize]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        assert_eq!(file.len().unwrap(), 3 * BLOCK_BYTES);
        disk.heal();
        file.write(3 * BLOCK_BYTES, &[3]).unwrap();
    }

    #[test]
    fn a_failed_sync_loses_what_it_was_to_sync_at_the_next_power_cut() {
        let disk = Disk::new();
        let file = disk.backend();
        file.write(0, &[1]).unwrap();
        disk.fail_syncs_after(0, ErrorKind::Other);
        file.sync_data().unwrap_err();
        disk.heal();
        file.write(1, &[2]).unwrap();
        file.sync_data().unwrap();
        assert_eq!(read(&disk), [1, 2]);
        disk.cut_power(0);
        assert_eq!(read(&disk), [0, 2]);
    }

    #[test]
    fn calls_fail_from_the_one_on_that_was_named() {
        let disk = Disk::new();
        let file = disk.backend();
        disk.fail_after(2, ErrorKind::QuotaExceeded);
        file.write(0, &[1]).unwrap();
        file.sync_data().unwrap();
        assert_eq!(file.set_len(0).unwrap_err().kind(), ErrorKind::QuotaExceeded);
        assert_eq!(file.write(0, &[1]).unwrap_err().kind(), ErrorKind::QuotaExceeded);
        assert_eq!((read(&disk), disk.calls()), (vec![1], 4));
    }

    #[test]
    fn two_handles_exclude_each_other_until_the_first_is_closed() {
        let disk = Disk::new();
        let (first, second) = (disk.backend(), disk.backend());
        let lock = |file: &DiskBackend| file.try_lock_range(Bound::Unbounded, Bound::Unbounded).unwrap();
        assert!(lock(&first) && !lock(&second));
        second.close().unwrap();
        assert!(!lock(&second));
        first.close().unwrap();
        assert!(lock(&second));
    }
}
