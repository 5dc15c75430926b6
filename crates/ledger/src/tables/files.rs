//! How far followed files were counted.
//!
//! A file is not known by its name, which a rotation gives to another file. The key is what its source makes of
//! its device, inode and birth, and each row has the hash of its beginning too: it tells that the file is still
//! the same, and finds it again when its device or inode has changed. The position moves in the same
//! transaction as the counts of the lines before it.
//!
//! Growth: one row per file that a source ever followed; `expire_files` forgets those not seen for long.

use serde::{Deserialize, Serialize};
use weir_record::Timestamp;

use crate::codec::{LAST, key, micros, part};
use crate::error::LedgerError;
use crate::view::{Access, View, Writing};

/// How far a file was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePosition {
    /// Bytes from its start that were counted, up to the end of a line.
    pub offset: u64,
    /// Its size when it was seen last, in bytes.
    pub size: u64,
    /// How many of its first bytes `head_hash` is of; 0 where they are not known.
    pub head_bytes: u32,
    /// The hash of its first bytes, as its source makes it.
    pub head_hash: u128,
    /// The number of its format; `None` while it is unknown.
    pub format: Option<u8>,
    /// It was counted as one object and is not followed.
    pub is_whole: bool,
    /// When it was seen last: microseconds since the epoch.
    pub seen_at_us: i64,
}

impl<A: Access> View<A> {
    /// All files of a source with their positions, in the order of their keys.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn files(&self, source: &str) -> Result<Vec<([u8; 16], FilePosition)>, LedgerError> {
        let mut files = Vec::new();
        let Some(number) = self.name_number(source)? else {
            return Ok(files);
        };
        self.tables.files.each(&file_key(number, [0; 16]), &file_key(number, LAST), |key, bytes| {
            files.push((part(key, 4), crate::codec::decode("files", bytes)?));
            Ok(true)
        })?;
        Ok(files)
    }
}

impl Writing<'_> {
    /// Keeps the position of a file.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn put_file(&self, source: &str, file: [u8; 16], position: &FilePosition) -> Result<(), LedgerError> {
        let number = self.name_number_or_new(source)?;
        self.tables.files.put(&file_key(number, file), position).map(|_| ())
    }

    /// Forgets a file; whether it was known.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn remove_file(&self, source: &str, file: [u8; 16]) -> Result<bool, LedgerError> {
        match self.name_number(source)? {
            Some(number) => self.tables.files.remove(&file_key(number, file)),
            None => Ok(false),
        }
    }

    /// Forgets up to `max` files of a source that were last seen before `before`, and returns how many.
    /// Reads all positions of the source.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn expire_files(&self, source: &str, before: Timestamp, max: usize) -> Result<usize, LedgerError> {
        let mut removed = 0;
        for (file, position) in self.files(source)? {
            if removed < max && position.seen_at_us < micros(before) {
                self.remove_file(source, file)?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

fn file_key(source: u32, file: [u8; 16]) -> [u8; 20] {
    key(&[&source.to_be_bytes(), &file])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{committed, in_memory};

    #[test]
    fn positions_are_kept_by_source_and_expire_when_not_seen() {
        let position = |seen_at_us| FilePosition {
            offset: 10,
            size: 20,
            head_bytes: 10,
            head_hash: u128::MAX,
            format: Some(2),
            is_whole: seen_at_us % 2 == 0,
            seen_at_us,
        };
        let ledger = in_memory();
        committed(&ledger, |w| {
            for number in 0..4_u8 {
                w.put_file("nginx", [number; 16], &position(i64::from(number)))?;
            }
            w.put_file("nginx", [1; 16], &position(9))?;
            w.put_file("other", [1; 16], &position(0))?;
            assert!(w.remove_file("nginx", [3; 16])? && !w.remove_file("nginx", [3; 16])?);
            assert!(!w.remove_file("unknown", [3; 16])?);
            assert_eq!(w.expire_files("nginx", Timestamp::from_micros(2), 10)?, 1);
            Ok(())
        });
        ledger
            .read(|r| {
                assert_eq!(r.files("nginx")?, [([1; 16], position(9)), ([2; 16], position(2))]);
                assert_eq!(r.files("other")?, [([1; 16], position(0))]);
                assert_eq!(r.files("unknown")?, []);
                Ok(())
            })
            .unwrap();
    }
}
