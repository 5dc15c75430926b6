//! How many rows of a kind there are, how many bytes, and the number that the next one gets.
//!
//! Asking a queue for its size must not read the queue, and a number once given must not be given again
//! after its row is gone. Both are kept as they change, in the same transaction as the rows.
//!
//! Growth: one row per kind and queue.

use crate::codec::key;
use crate::error::LedgerError;
use crate::view::{Access, View, Writing};

/// What is tallied. The numbers are part of the file's format.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TallyKind {
    /// Transactions since the file was made.
    Commits = 0,
    /// Bodies of a queue.
    Queue = 1,
    /// Rejects.
    Rejects = 2,
    /// Keys of slots; only numbers are given.
    SlotKeys = 3,
    /// Names; only numbers are given.
    Names = 4,
    /// Keys of events; only numbers are counted.
    EventKeys = 5,
}

/// The tally of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Rows that are there.
    pub(crate) count: u64,
    /// Their bytes, as the kind counts them.
    pub(crate) bytes: u64,
    /// The last number given; 0 for none.
    pub(crate) last_number: u64,
}

impl Tally {
    /// Counts a new row; its number, from 1.
    pub(crate) const fn add(&mut self, bytes: usize) -> u64 {
        self.count += 1;
        self.bytes += bytes as u64;
        self.last_number += 1;
        self.last_number
    }

    /// Counts a row that is gone.
    pub(crate) const fn subtract(&mut self, bytes: usize) {
        self.count = self.count.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes as u64);
    }
}

impl<A: Access> View<A> {
    /// The tally of a kind; `name` tells queues apart and is 0 elsewhere.
    pub(crate) fn tally(&self, kind: TallyKind, name: u32) -> Result<Tally, LedgerError> {
        let read = |(count, bytes, last_number)| Ok(Tally { count, bytes, last_number });
        Ok(self.tables.tallies.find(&tally_key(kind, name), read)?.unwrap_or_default())
    }
}

impl Writing<'_> {
    pub(crate) fn set_tally(&self, kind: TallyKind, name: u32, tally: Tally) -> Result<(), LedgerError> {
        let row = (tally.count, tally.bytes, tally.last_number);
        self.tables.tallies.set(&tally_key(kind, name), row)?;
        Ok(())
    }

    /// The next number of a kind, from 1.
    pub(crate) fn next_number(&self, kind: TallyKind) -> Result<u32, LedgerError> {
        let mut tally = self.tally(kind, 0)?;
        tally.last_number += 1;
        self.set_tally(kind, 0, tally)?;
        u32::try_from(tally.last_number)
            .map_err(|_| LedgerError::unwritable("tallies", &"all numbers of four bytes are given"))
    }
}

fn tally_key(kind: TallyKind, name: u32) -> [u8; 5] {
    key(&[&[kind as u8], &name.to_be_bytes()])
}
