//! What can go wrong with the ledger, sorted by what the server does then.
//!
//! The store's own errors tell its insides. What a server must know is another thing: stop intake and try
//! again ([`LedgerError::is_retryable`]), do not repeat what was done, or give up and name the file.

use std::io::{Error as IoError, ErrorKind};
use std::path::{Path, PathBuf};

use redb::{CommitError, DatabaseError, StorageError, TableError, TransactionError};

/// Why the ledger could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another process or handle has it.
    #[error(
        "`{}` is in use by another process; only one `weir serve` may use a data folder: \
         stop the other one or set another data_dir",
        path.display()
    )]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// A later version of weir wrote it.
    #[error(
        "the ledger has format {found} and this weir knows format {known} at most; \
         run the version that wrote it, or a newer one"
    )]
    Newer {
        /// The format of the file.
        found: u32,
        /// The format of this program.
        known: u32,
    },
    /// Some other file is in its place. It was not changed.
    #[error("`{}` is not a ledger of weir; move it away or set another data_dir", path.display())]
    NotALedger {
        /// The file.
        path: PathBuf,
    },
    /// No room is left. Nothing of the transaction is there, but see [`LedgerError::WasCommitted`].
    #[error("cannot write the ledger: {0}; free space or raise the quota, writing goes on by itself")]
    DiskFull(#[source] IoError),
    /// The disk failed otherwise. Nothing of the transaction is there, but see
    /// [`LedgerError::WasCommitted`].
    #[error("cannot read or write the ledger: {0}; look at the disk and its permissions")]
    Io(#[source] IoError),
    /// The write that failed last is there after all: its disk could not be asked at once. What was to be
    /// written now is not. Do not repeat the former; try the latter again.
    #[error("the write that failed before is in the ledger after all; do not repeat it")]
    WasCommitted,
    /// What is in the file makes no sense.
    #[error("table `{table}` of the ledger is damaged: {detail}; restore the data folder from a copy")]
    Corrupt {
        /// The table; empty where the file as a whole is meant.
        table: &'static str,
        /// What is wrong.
        detail: Box<str>,
    },
    /// A value can't be kept.
    #[error("cannot keep a value in table `{table}` of the ledger: {detail}")]
    Unwritable {
        /// The table; empty where it is not known.
        table: &'static str,
        /// What is wrong.
        detail: Box<str>,
    },
    /// The author of the transaction gave it up; nothing of it is there.
    #[error("the transaction was given up: {0}")]
    GivenUp(Box<str>),
}

impl LedgerError {
    /// Whether the same may succeed later without a person's doing anything to the ledger itself.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::DiskFull(_) | Self::Io(_) | Self::WasCommitted)
    }

    /// Whether the store failed below its tables, so that it may refuse everything until opened anew.
    pub(crate) const fn is_of_the_disk(&self) -> bool {
        matches!(self, Self::DiskFull(_) | Self::Io(_))
    }

    /// What the operating system said, by whether room is what is missing.
    pub(crate) fn of_io(error: IoError) -> Self {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Self::DiskFull(error)
            }
            _ => Self::Io(error),
        }
    }

    pub(crate) fn corrupt(table: &'static str, detail: &impl ToString) -> Self {
        Self::Corrupt { table, detail: detail.to_string().into() }
    }

    pub(crate) fn unwritable(table: &'static str, detail: &impl ToString) -> Self {
        Self::Unwritable { table, detail: detail.to_string().into() }
    }

    /// Why the file at `path` could not be opened as a database.
    pub(crate) fn of_open(error: DatabaseError, path: &Path) -> Self {
        match error {
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
                Self::Locked { path: path.to_owned() }
            }
            DatabaseError::UpgradeRequired(_) => Self::NotALedger { path: path.to_owned() },
            // The store says this of a file that does not begin as its own do.
            DatabaseError::Storage(StorageError::Io(error)) if error.kind() == ErrorKind::InvalidData => {
                Self::NotALedger { path: path.to_owned() }
            }
            DatabaseError::Storage(error) => error.into(),
            other => Self::corrupt("", &other),
        }
    }
}

impl From<StorageError> for LedgerError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Io(error) => Self::of_io(error),
            StorageError::Corrupted(detail) => Self::corrupt("", &detail),
            StorageError::ValueTooLarge(_) => Self::unwritable("", &error),
            // An earlier failure, or one that the store has no number for: opening anew shows which.
            other => Self::Io(IoError::other(other)),
        }
    }
}

impl From<TableError> for LedgerError {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Storage(error) => error.into(),
            other => Self::corrupt("", &other),
        }
    }
}

impl From<TransactionError> for LedgerError {
    fn from(error: TransactionError) -> Self {
        match error {
            TransactionError::Storage(error) => error.into(),
            other => Self::Io(IoError::other(other)),
        }
    }
}

impl From<CommitError> for LedgerError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Storage(error) => error.into(),
            // An operation failed, its error was not passed on, and the whole was rolled back.
            other => Self::Io(IoError::other(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_say_which_file_and_what_to_do() {
        let path = PathBuf::from("data/ledger.redb");
        for (error, expected) in [
            (
                LedgerError::Locked { path: path.clone() },
                "`data/ledger.redb` is in use by another process; only one `weir serve` may use a data folder: \
                 stop the other one or set another data_dir",
            ),
            (
                LedgerError::Newer { found: 9, known: 1 },
                "the ledger has format 9 and this weir knows format 1 at most; run the version that wrote it, or \
                 a newer one",
            ),
            (
                LedgerError::NotALedger { path },
                "`data/ledger.redb` is not a ledger of weir; move it away or set another data_dir",
            ),
        ] {
            assert_eq!(error.to_string(), expected);
            assert!(!error.is_retryable());
        }
    }

    #[test]
    fn no_room_is_told_from_other_failures() {
        for (kind, is_full) in [
            (ErrorKind::StorageFull, true),
            (ErrorKind::QuotaExceeded, true),
            (ErrorKind::FileTooLarge, true),
            (ErrorKind::PermissionDenied, false),
        ] {
            let error = LedgerError::from(StorageError::Io(kind.into()));
            assert_eq!(matches!(error, LedgerError::DiskFull(_)), is_full, "{kind}");
            assert!(error.is_retryable() && error.is_of_the_disk());
        }
        assert!(LedgerError::from(StorageError::PreviousIo).is_of_the_disk());
    }
}
