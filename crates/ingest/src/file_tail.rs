//! What stands just before a position in a file, by which a file that was emptied and has grown past that
//! position is noticed even where it begins as before.
//!
//! The head alone would do for logs whose first line has a time. One that begins with the same banner at each
//! start is told by its head only when the banner is over; what was read last differs sooner.

use std::fs::File;
use std::io;

use xxhash_rust::xxh3::xxh3_128;

use crate::file_head::read_piece;

/// The most that is looked at before a position, in bytes: the end of a line, with what differs in it.
const TAIL_BYTES_MAX: usize = 256;

/// The last bytes before a position, hashed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileTail {
    /// How many bytes; 0 where nothing is known of them.
    bytes: u32,
    hash: u128,
}

impl FileTail {
    /// The tail of a text that was read.
    pub(crate) fn of_text(text: &[u8]) -> Self {
        let tail = &text[text.len().saturating_sub(TAIL_BYTES_MAX)..];
        match u32::try_from(tail.len()) {
            Ok(bytes @ 1..) => Self { bytes, hash: xxh3_128(tail) },
            _ => Self::default(),
        }
    }

    /// What stands in `file` before `offset`.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub(crate) fn before(file: &File, offset: u64) -> io::Result<Self> {
        let start = offset.saturating_sub(TAIL_BYTES_MAX as u64);
        let mut text = Vec::new();
        read_piece(file, start, (offset - start) as usize, &mut text)?;
        Ok(Self::of_text(&text))
    }

    /// Whether it stands in `file` before `offset`; anything does where nothing is known.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub(crate) fn is_before(self, file: &File, offset: u64) -> io::Result<bool> {
        if self.bytes == 0 {
            return Ok(true);
        }
        let mut text = Vec::new();
        read_piece(file, offset.saturating_sub(u64::from(self.bytes)), self.bytes as usize, &mut text)?;
        Ok(Self::of_text(&text) == self)
    }

    /// Whether `text` ends with it; any text does where nothing is known.
    pub(crate) fn is_of(self, text: &[u8]) -> bool {
        let tail = text.len().checked_sub(self.bytes as usize).and_then(|start| text.get(start..));
        self.bytes == 0 || tail.is_some_and(|tail| Self::of_text(tail) == self)
    }
}
