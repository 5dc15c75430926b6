//! The work that keeps the store small and quick: rolls, joins, retention.
//!
//! Chosen one at a time and done beside everything else by one thread; nothing is lost if it is never done, only
//! memory, files and the disk grow, and intake stops before memory does.

mod copy;
mod join;
mod retention;
mod roll;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use weir_record::Timestamp;

use crate::change::Change;
use crate::error::StoreError;
use crate::read::Cancel;
use crate::store::Store;
use crate::view::{Segment, StoreFile};
#[cfg(test)]
pub(crate) use join::read_all;

/// A piece of work.
#[derive(Clone, Debug)]
pub enum Work {
    /// Makes files of what is in memory.
    Roll(Vec<Arc<Segment>>),
    /// Makes one file of small ones, records sorted anew.
    Join(Vec<Arc<StoreFile>>),
    /// Makes one file of several by copying their row groups.
    Copy(Vec<Arc<StoreFile>>),
    /// Drops files.
    Drop(Vec<Arc<StoreFile>>, DropReason),
}

/// Why files are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// Their last record is older than the retention.
    Age,
    /// The store takes more of the disk than it may.
    Size,
}

impl DropReason {
    /// What it is called in the log.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Size => "size",
        }
    }
}

impl Store {
    /// The work that is due, if any. The next one is asked for when this one's change was applied or dropped.
    ///
    /// Called every few seconds; it also tells the store the time, and files that turned out to be none are moved
    /// aside.
    pub fn next_work(&self, now: Timestamp) -> Option<Work> {
        self.shared.now_us.store(now.micros(), Ordering::Relaxed);
        self.set_damaged_aside();
        let view = self.view();
        let options = &self.shared.options;
        retention::due(&view, options, now, || self.disk_bytes())
            .or_else(|| self.roll_due(Some(now)).map(Work::Roll))
            .or_else(|| join::due(&view, now))
            .or_else(|| copy::due(&view))
    }

    /// Does a piece of work. Nothing that queries see changes until [`apply`](Self::apply).
    ///
    /// # Errors
    ///
    /// If a file can't be read or written, or `cancel` says stop; nothing is left then.
    pub fn perform(&self, work: Work, cancel: &Cancel) -> Result<Change, StoreError> {
        let check = || cancel.check().map_err(|_| StoreError::Stopped);
        check()?;
        match work {
            Work::Roll(segments) => roll::perform(&self.shared, &segments, &check),
            Work::Join(files) => join::perform(&self.shared, &files, &check),
            Work::Copy(files) => copy::perform(&self.shared, &files, &check),
            Work::Drop(files, _) => {
                let removed = files.iter().map(|file| file.stored.id).collect();
                Ok(Change { removed, ..Change::default() })
            }
        }
    }

    /// Makes files of everything in memory, due or not; `None` where there is nothing or a commit is under way.
    ///
    /// # Errors
    ///
    /// As [`perform`](Self::perform).
    pub fn force_roll(&self, cancel: &Cancel) -> Result<Option<Change>, StoreError> {
        let segments = self.roll_due(None);
        segments.map(|segments| self.perform(Work::Roll(segments), cancel)).transpose()
    }

    /// The segments to roll: all that are sealed, the last one too if it is full or old, or if no time is given.
    fn roll_due(&self, now: Option<Timestamp>) -> Option<Vec<Arc<Segment>>> {
        let mut books = self.lock_segments();
        books.seal(&self.shared.options, now);
        let sealed: Vec<u64> =
            books.list.iter().filter(|book| book.is_sealed).map(|book| book.state.number).collect();
        let view = self.view();
        drop(books);
        let found = view.segments.iter().filter(|segment| sealed.contains(&segment.number));
        let found: Vec<Arc<Segment>> = found.cloned().collect();
        (!found.is_empty()).then_some(found)
    }
}
