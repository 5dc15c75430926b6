//! How a file begins, by which it is told again when its device, inode or name has changed.
//!
//! Device numbers change with a remount, inodes with a copy or a restored backup, and where a file system does
//! not tell when an inode was made, a free one is soon another file's. What was counted of a file stays what
//! it is, and the first lines of a log have times in them, so they differ from file to file. Hashing all that
//! was counted would tell more and cost the whole file at each start.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use xxhash_rust::xxh3::xxh3_128;

/// The most that is looked at of a file's beginning, in bytes: several lines with their times.
pub const HEAD_BYTES_MAX: u32 = 1024;

/// The first bytes of a file, hashed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FileHead {
    /// How many bytes, at most [`HEAD_BYTES_MAX`]; 0 where the beginning is not known.
    pub bytes: u32,
    /// Their hash: 128 bits of XXH3. It tells accidents apart, not attacks.
    pub hash: u128,
}

impl FileHead {
    /// The head of a file of which `bytes` bytes are known, or as much of it as there is. Leaves the file's
    /// position as it is.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn of(file: &File, bytes: u64) -> io::Result<Self> {
        Ok(Self::of_bytes(&beginning(file, bytes)?))
    }

    /// The head that consists of these bytes.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        match u32::try_from(bytes.len()) {
            Ok(len @ 1..) => Self { bytes: len, hash: xxh3_128(bytes) },
            _ => Self::default(),
        }
    }

    /// This head with what was read after it: `text` follows the first `offset` bytes of `file`, of which this is
    /// the head. It stays as it is where the file begins otherwise by now.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub(crate) fn extended(self, file: &File, offset: u64, text: &[u8]) -> io::Result<Self> {
        if self.is_full() || text.is_empty() {
            return Ok(self);
        }
        // From what was read, not from the file: that may have been emptied and written to meanwhile.
        let mut head = beginning(file, offset)?;
        if head.len() as u64 != offset || (self.is_known() && Self::of_bytes(&head) != self) {
            return Ok(self);
        }
        head.extend(text.iter().take(HEAD_BYTES_MAX as usize - head.len()));
        Ok(Self::of_bytes(&head))
    }

    /// Whether anything is known of the file's beginning.
    pub fn is_known(self) -> bool {
        self.bytes > 0
    }

    /// Whether it is of so many bytes that it stays the same when the file grows.
    pub fn is_full(self) -> bool {
        self.bytes >= HEAD_BYTES_MAX
    }

    /// Whether `file` begins like this; any file does where nothing is known.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn is_of(self, file: &File) -> io::Result<bool> {
        Ok(!self.is_known() || Self::of(file, u64::from(self.bytes))? == self)
    }
}

/// The first bytes of a file: at most `bytes`, at most [`HEAD_BYTES_MAX`], and at most what is there.
pub(crate) fn beginning(file: &File, bytes: u64) -> io::Result<Vec<u8>> {
    let wanted = u32::try_from(bytes).map_or(HEAD_BYTES_MAX, |bytes| bytes.min(HEAD_BYTES_MAX));
    let mut head = Vec::new();
    read_piece(file, 0, wanted as usize, &mut head)?;
    Ok(head)
}

/// Fills `piece` with `bytes` bytes of a file from `offset` on, or as many as are there. Leaves the file's
/// position as it is.
///
/// # Errors
///
/// The operating system's.
pub(crate) fn read_piece(file: &File, offset: u64, bytes: usize, piece: &mut Vec<u8>) -> io::Result<()> {
    piece.resize(bytes, 0);
    let mut len = 0;
    while len < piece.len() {
        match file.read_at(&mut piece[len..], offset + len as u64) {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                piece.clear();
                return Err(error);
            }
        }
    }
    piece.truncate(len);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn file(content: &[u8]) -> File {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(content).expect("written");
        file
    }

    #[test]
    fn a_head_is_of_a_file_that_begins_like_it() {
        let long = vec![b'x'; 5000];
        let check = |content: &[u8], bytes: u64, other: &[u8], is_of: bool| {
            let head = FileHead::of(&file(content), bytes).expect("read");
            assert_eq!(head.is_of(&file(other)).expect("read"), is_of, "{bytes}");
        };
        check(b"one\ntwo\n", 4, b"one\nthree\n", true);
        check(b"one\ntwo\n", 8, b"one\nthree\n", false);
        check(b"one\ntwo\n", 8, b"one\n", false);
        check(b"one\n", 9, b"one\ntwo\n", true);
        check(b"one\n", 0, b"two\n", true);
        check(&long, 5000, &long[..1024], true);
        check(&long, 5000, &long[..1023], false);
    }

    #[test]
    fn a_full_head_stays_when_the_file_grows() {
        let long = file(&[b'x'; 5000]);
        let head = |bytes| FileHead::of(&long, bytes).expect("read");
        assert!(head(1024).is_full() && head(1024) == head(5000) && !head(1023).is_full());
        assert!(!head(0).is_known() && head(1).is_known());
    }
}
