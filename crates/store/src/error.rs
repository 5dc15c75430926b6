//! What can go wrong with the store, sorted by what the server does then.
//!
//! Three questions decide: can trying again help (a full or failing disk: intake waits), is one file at fault
//! (it is passed over and named), or did somebody stop the work. The insides of arrow and parquet are text in
//! here, so that no caller depends on them.

use std::error::Error;
use std::io::{Error as IoError, ErrorKind};
use std::path::{Path, PathBuf};

use arrow_schema::ArrowError;
use parquet::errors::ParquetError;

/// Why the store could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No room is left, or less than the user wants to keep free. Nothing of what was to be written is there.
    #[error(
        "cannot write `{}`: {detail}; free space, shorten the retention or raise the quota, \
         intake goes on by itself",
        path.display()
    )]
    DiskFull {
        /// The file or folder.
        path: PathBuf,
        /// What the system said, or how much is free.
        detail: Box<str>,
    },
    /// The disk failed otherwise.
    #[error("cannot {action} `{}`: {source}; look at the disk and its permissions", path.display())]
    Io {
        /// What was tried: `write`, `read`, ...
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: IoError,
    },
    /// What is in a file makes no sense. Other files are not affected.
    #[error(
        "`{}` is damaged: {detail}; its records are missing from answers, restore it from a copy",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: Box<str>,
    },
    /// Columns did not fit together; a fault of this program.
    #[error("cannot put columns together: {0}; please report this")]
    Columns(Box<str>),
    /// Too much in memory waits to become files.
    #[error("the store is behind with writing files; intake goes on by itself when it has caught up")]
    Behind,
    /// Somebody stopped the work; nothing of it is there.
    #[error("the work on the store was stopped")]
    Stopped,
}

impl StoreError {
    /// Whether the same may succeed later without a person's doing anything to the store itself.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::DiskFull { .. } | Self::Io { .. } | Self::Behind)
    }

    /// What became of `action` on `path`.
    pub(crate) fn io(action: &'static str, path: &Path, source: IoError) -> Self {
        if matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
            return Self::DiskFull { path: path.to_owned(), detail: source.to_string().into() };
        }
        Self::Io { action, path: path.to_owned(), source }
    }

    /// A failure to write a Parquet file: the disk's, since what is written is ours.
    pub(crate) fn writing(path: &Path, error: ParquetError) -> Self {
        match io_cause(error) {
            Ok(source) => Self::io("write", path, source),
            Err(other) => Self::Columns(other),
        }
    }

    /// A failure to read a Parquet file: the disk's, or what is in the file.
    pub(crate) fn reading(path: &Path, error: ParquetError) -> Self {
        match io_cause(error) {
            Ok(source) if source.kind() != ErrorKind::UnexpectedEof => Self::io("read", path, source),
            Ok(source) => Self::damaged(path, &source),
            Err(other) => Self::Damaged { path: path.to_owned(), detail: other },
        }
    }

    /// A file whose content makes no sense.
    pub(crate) fn damaged(path: &Path, detail: &impl ToString) -> Self {
        Self::Damaged { path: path.to_owned(), detail: detail.to_string().into() }
    }
}

impl From<ArrowError> for StoreError {
    fn from(error: ArrowError) -> Self {
        Self::Columns(error.to_string().into())
    }
}

/// The system's error inside a Parquet one, else its text.
fn io_cause(error: ParquetError) -> Result<IoError, Box<str>> {
    match error {
        ParquetError::External(inner) => match inner.downcast::<IoError>() {
            Ok(source) => Ok(*source),
            Err(other) => {
                let kind = nested_io_kind(other.as_ref());
                let text = other.to_string();
                kind.map_or_else(|| Err(text.clone().into()), |kind| Ok(IoError::new(kind, text.clone())))
            }
        },
        other => Err(other.to_string().into()),
    }
}

fn nested_io_kind(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(source) = error.downcast_ref::<IoError>() {
            return Some(source.kind());
        }
        next = error.source();
    }
    None
}
