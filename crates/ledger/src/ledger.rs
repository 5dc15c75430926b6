//! The ledger as the server holds it: transactions, and coming back from a disk that failed.
//!
//! A transaction costs two syncs, not one. With one, the header that makes a commit valid and the pages that
//! it points to are synced together; when that sync fails, Linux takes the pages for clean, a later sync
//! does not write them, and a ledger that looks right is damaged at the next power cut. With two, the header
//! changes only after the pages are known to be there. The second sync is small, and group commits share it.
//!
//! After a failure the store refuses everything until it is opened anew, which is done here, behind the
//! handle. Whether the transaction that failed is in the file is then looked up by its number: a caller that
//! had to guess would count twice or not at all.

use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError, RwLock};

use redb::{Database, ReadableDatabase as _, StorageBackend};

use crate::create::{IN_MEMORY, Place, create_file, prepare};
use crate::error::LedgerError;
use crate::tables::tallies::TallyKind;
use crate::view::{Reading, View, Writing};

/// The most memory that the store may use for pages of the file, in bytes. It would take 1 GiB by itself.
/// What each commit touches (counts of 50,000 series, the last minutes, the inner nodes of the rest) is some
/// 40 MB; all else is read once at the start, or by day when it expires.
pub const CACHE_BYTES: usize = 64 << 20;

/// What has been counted. One thread writes at a time, any number read; readers see the last commit and
/// never wait for a writer, but for the moment in which the file is opened anew after a failure.
pub struct Ledger {
    place: Place,
    /// `None` after a failure, until the file could be opened again.
    database: RwLock<Option<Database>>,
    /// Held while writing. The number of the commit that failed, where nobody knows yet if it is there.
    unsettled_commit: Mutex<Option<u64>>,
}

/// How an attempt to write ended.
enum Outcome<R> {
    Committed(R),
    /// Nothing was written.
    Refused(LedgerError),
    /// The commit of this number failed and may be there or not.
    Unsettled {
        result: R,
        commit: u64,
        error: LedgerError,
    },
}

impl Ledger {
    /// Opens the ledger at `path`, a new one where there is none; its folder must exist. A new ledger appears
    /// under its name only when it is whole.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Locked`] while another process or handle has it, [`LedgerError::Newer`] and
    /// [`LedgerError::NotALedger`] for a file that is not for this program, which is then not changed.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        if !path.try_exists().map_err(LedgerError::of_io)? {
            create_file(path)?;
        }
        Self::open_place(Place::file(path))
    }

    /// Opens the ledger in whatever `new` gives, each time that the file must be opened; what it gives is
    /// empty or has a ledger. For tests and simulated disks.
    ///
    /// # Errors
    ///
    /// As [`Ledger::open`], with [`IN_MEMORY`] for the path.
    pub fn open_backend(
        new: impl Fn() -> io::Result<Box<dyn StorageBackend>> + Send + Sync + 'static,
    ) -> Result<Self, LedgerError> {
        Self::open_place(Place::new(Path::new(IN_MEMORY), new))
    }

    fn open_place(place: Place) -> Result<Self, LedgerError> {
        let database = place.open(CACHE_BYTES)?;
        prepare(&database, place.path())?;
        Ok(Self { place, database: RwLock::new(Some(database)), unsettled_commit: Mutex::new(None) })
    }

    /// Makes one transaction: what `change` does is durable when this returns `Ok`, and none of it is there
    /// when `change` or this fails. `change` must not call `read` or `write` of the same ledger.
    ///
    /// After a failure of the disk the file is opened anew, and the next call works as soon as the disk does.
    ///
    /// # Errors
    ///
    /// What `change` returned, or [`LedgerError::DiskFull`] or [`LedgerError::Io`]: the same may be tried
    /// again. [`LedgerError::WasCommitted`], once, where the file could not be opened at once after a
    /// failure, and then showed the former transaction: `change` was not called, and the former must not be
    /// repeated.
    pub fn write<R>(
        &self,
        change: impl FnOnce(&Writing<'_>) -> Result<R, LedgerError>,
    ) -> Result<R, LedgerError> {
        let mut unsettled_commit = self.unsettled_commit.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(commit) = *unsettled_commit {
            let is_committed = self.has_commit(commit)?;
            *unsettled_commit = None;
            if is_committed {
                return Err(LedgerError::WasCommitted);
            }
        }
        match self.with_database(|database| Ok(attempt(database, change)))? {
            Outcome::Committed(result) => Ok(result),
            Outcome::Refused(error) => {
                self.close_after(&error);
                Err(error)
            }
            Outcome::Unsettled { result, commit, error } => {
                self.close();
                match self.has_commit(commit) {
                    Ok(true) => Ok(result),
                    Ok(false) => Err(error),
                    Err(_) => {
                        *unsettled_commit = Some(commit);
                        Err(error)
                    }
                }
            }
        }
    }

    /// Whether it is known what became of the last write that failed: if so, nothing of it is there.
    pub fn is_settled(&self) -> bool {
        self.unsettled_commit.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Looks at the ledger as it is at the last commit. `look` must not call `read` or `write` of the same
    /// ledger; a long look keeps old pages in the file from being used again.
    ///
    /// # Errors
    ///
    /// What `look` returned, or that the ledger can't be read.
    pub fn read<R>(
        &self,
        look: impl FnOnce(&Reading<'_>) -> Result<R, LedgerError>,
    ) -> Result<R, LedgerError> {
        let seen = self.with_database(|database| {
            let transaction = database.begin_read()?;
            look(&View::new(&transaction))
        });
        if let Err(error) = &seen {
            self.close_after(error);
        }
        seen
    }

    /// Whether the commit of this number is in the file.
    fn has_commit(&self, commit: u64) -> Result<bool, LedgerError> {
        self.read(|reading| Ok(reading.tally(TallyKind::Commits, 0)?.count >= commit))
    }

    /// Calls `operation` with the database, which is opened first where a failure closed it.
    fn with_database<R>(
        &self,
        operation: impl FnOnce(&Database) -> Result<R, LedgerError>,
    ) -> Result<R, LedgerError> {
        loop {
            let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(database) = &*database {
                return operation(database);
            }
            drop(database);
            let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
            if database.is_none() {
                *database = Some(self.place.open(CACHE_BYTES)?);
            }
        }
    }

    /// Closes the database where `error` may have made it refuse everything.
    fn close_after(&self, error: &LedgerError) {
        if error.is_of_the_disk() {
            self.close();
        }
    }

    fn close(&self) {
        *self.database.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Makes one transaction of `change`, if the disk lets it.
fn attempt<R>(
    database: &Database,
    change: impl FnOnce(&Writing<'_>) -> Result<R, LedgerError>,
) -> Outcome<R> {
    let mut transaction = match database.begin_write() {
        Ok(transaction) => transaction,
        Err(error) => return Outcome::Refused(error.into()),
    };
    transaction.set_two_phase_commit(true);
    let writing = View::new(&transaction);
    let changed = change(&writing).and_then(|result| Ok((result, count_commit(&writing)?)));
    drop(writing);
    match changed {
        // Dropping the transaction undoes it.
        Err(error) => Outcome::Refused(error),
        Ok((result, commit)) => match transaction.commit() {
            Ok(()) => Outcome::Committed(result),
            Err(error) => Outcome::Unsettled { result, commit, error: error.into() },
        },
    }
}

/// Numbers the transaction, so that it is known again in the file.
fn count_commit(writing: &Writing<'_>) -> Result<u64, LedgerError> {
    let mut tally = writing.tally(TallyKind::Commits, 0)?;
    tally.count += 1;
    writing.set_tally(TallyKind::Commits, 0, tally)?;
    Ok(tally.count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{committed, in_memory};

    #[test]
    fn readers_see_the_last_commit_while_a_writer_is_at_work() {
        let ledger = in_memory();
        let seen = || ledger.read(|r| r.state::<u8>("state")).unwrap();
        committed(&ledger, |w| w.put_state("state", &1_u8));
        committed(&ledger, |w| {
            w.put_state("state", &2_u8)?;
            assert_eq!(w.state("state")?, Some(2_u8));
            assert_eq!(std::thread::scope(|scope| scope.spawn(seen).join().unwrap()), Some(1));
            Ok(())
        });
        assert_eq!(seen(), Some(2));
    }

    #[test]
    fn a_transaction_that_panics_leaves_nothing_and_the_next_one_works() {
        let ledger = in_memory();
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            ledger.write(|w| {
                w.put_state("state", &1_u8)?;
                let none: Option<()> = None;
                none.ok_or_else(|| LedgerError::GivenUp("no".into())).unwrap();
                Ok(())
            })
        }));
        assert!(panicked.is_err());
        committed(&ledger, |w| w.put_state("other", &2_u8));
        let states = ledger.read(|r| Ok((r.state::<u8>("state")?, r.state::<u8>("other")?))).unwrap();
        assert_eq!(states, (None, Some(2)));
    }
}
