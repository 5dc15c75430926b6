//! A change of the store that the ledger has yet to commit: files that others become.
//!
//! Whatever makes it (a roll, a join, retention, a deletion by query) works for seconds beside everything else and
//! touches nothing; only the commit thread swaps it in. Dropped without that, its files remove themselves.

use crate::file_writer::PendingFile;
use crate::stored_file::StoredFile;

/// What a piece of work made.
#[derive(Debug, Default)]
pub struct Change {
    /// New files, written and synced, that are not committed.
    pub files: Vec<PendingFile>,
    /// Numbers of the files that go.
    pub removed: Vec<u64>,
    /// Numbers of the write-ahead segments that go.
    pub segments_gone: Vec<u64>,
}

impl Change {
    /// Leaves the files that it adds to the ledger: to be called before the transaction that lists them, as one of
    /// which it is only said that it failed may be there after all.
    pub fn leave_to_ledger(&self) {
        self.files.iter().for_each(PendingFile::leave_to_ledger);
    }

    /// The files that the ledger is to list.
    pub fn added(&self) -> Vec<StoredFile> {
        self.files.iter().map(|file| file.stored.clone()).collect()
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.removed.is_empty() && self.segments_gone.is_empty()
    }

    /// How many records the new files hold.
    pub fn rows_added(&self) -> u64 {
        self.files.iter().map(|file| file.stored.rows).sum()
    }
}
