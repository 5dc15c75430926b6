//! A stream of bytes to blocks of whole lines.
//!
//! Memory is bounded by the longest line that is allowed, however large the stream: a line beyond
//! that is reported, and passed over to its end, so that it costs neither memory nor the lines after it.

use std::io::{self, Read};

/// Bytes that are read at a time.
const BLOCK_BYTES: usize = 256 << 10;

/// Bytes that are read at a time where whoever writes them waits to be heard: what a pipe holds.
const LIVE_BLOCK_BYTES: usize = 64 << 10;

/// When a block is handed out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Filling {
    /// When it is full.
    #[default]
    Full,
    /// As soon as there is a line.
    Lines,
}

/// A part of a text that ends where a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block<'a> {
    /// Whole lines; only the last block of a text may lack its line end.
    Lines(&'a [u8]),
    /// A line longer than is allowed, which was passed over.
    LongLine,
}

/// Reads `reader` to its end and hands out its lines in blocks; `buffer` is scratch space and holds no
/// more than a line of `line_bytes_max` and a block.
///
/// # Errors
///
/// The reader's error, or one that `each` returns. Lines before it have been handed out.
pub(crate) fn read_blocks<E: From<io::Error>>(
    reader: &mut impl Read,
    buffer: &mut Vec<u8>,
    line_bytes_max: usize,
    filling: Filling,
    mut each: impl FnMut(Block<'_>) -> Result<(), E>,
) -> Result<(), E> {
    buffer.clear();
    let mut is_skipping = false;
    loop {
        let filled = fill(reader, buffer, filling)?;
        if is_skipping {
            match memchr::memchr(b'\n', buffer) {
                Some(end) => {
                    buffer.drain(..=end);
                    is_skipping = false;
                }
                None => buffer.clear(),
            }
        }
        if filled == 0 {
            return if buffer.is_empty() { Ok(()) } else { each(Block::Lines(buffer)) };
        }
        if let Some(end) = memchr::memrchr(b'\n', buffer) {
            each(Block::Lines(&buffer[..=end]))?;
            buffer.drain(..=end);
        }
        if buffer.len() > line_bytes_max {
            each(Block::LongLine)?;
            buffer.clear();
            is_skipping = true;
        }
    }
}

/// Appends up to [`BLOCK_BYTES`] to `buffer`; 0 is the end.
fn fill(reader: &mut impl Read, buffer: &mut Vec<u8>, filling: Filling) -> io::Result<usize> {
    let start = buffer.len();
    let block_bytes = if filling == Filling::Lines { LIVE_BLOCK_BYTES } else { BLOCK_BYTES };
    buffer.resize(start + block_bytes, 0);
    let mut filled = start;
    let result = loop {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break Ok(filled - start),
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
        let has_line = || memchr::memrchr(b'\n', &buffer[start..filled]).is_some();
        if filled == buffer.len() || (filling == Filling::Lines && has_line()) {
            break Ok(filled - start);
        }
    };
    buffer.truncate(filled);
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives out its text in pieces of the given sizes.
    struct Pieces<'a> {
        text: &'a [u8],
        piece_bytes: usize,
    }

    impl Read for Pieces<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let len = self.piece_bytes.min(out.len()).min(self.text.len());
            out[..len].copy_from_slice(&self.text[..len]);
            self.text = &self.text[len..];
            Ok(len)
        }
    }

    fn blocks_of(text: &[u8], piece_bytes: usize) -> (Vec<u8>, usize) {
        let mut lines = Vec::new();
        let mut long_lines = 0;
        read_blocks(&mut Pieces { text, piece_bytes }, &mut Vec::new(), 1 << 20, Filling::Full, |block| {
            match block {
                Block::Lines(block) => lines.extend_from_slice(block),
                Block::LongLine => long_lines += 1,
            }
            Ok::<(), io::Error>(())
        })
        .expect("reads from memory");
        (lines, long_lines)
    }

    #[test]
    fn a_long_line_is_passed_over_and_its_neighbours_are_kept() {
        let mut text = b"before\n".to_vec();
        text.extend(std::iter::repeat_n(b'x', 10 << 20));
        text.extend_from_slice(b"\nafter\nlast");
        assert_eq!(blocks_of(&text, usize::MAX), (b"before\nafter\nlast".to_vec(), 1));
    }

    #[test]
    fn a_long_line_at_the_end_is_one_long_line() {
        let text = vec![b'x'; 3 << 20];
        assert_eq!(blocks_of(&text, 100_000), (Vec::new(), 1));
    }

    #[test]
    fn lines_are_handed_out_as_they_come() {
        let mut seen = Vec::new();
        let mut pieces = Pieces { text: b"one\ntwo\nthr", piece_bytes: 3 };
        read_blocks(&mut pieces, &mut Vec::new(), 1 << 20, Filling::Lines, |block| {
            if let Block::Lines(lines) = block {
                seen.push(String::from_utf8_lossy(lines).into_owned());
            }
            Ok::<(), io::Error>(())
        })
        .expect("reads from memory");
        assert_eq!(seen, ["one\n", "two\n", "thr"]);
    }

    proptest! {
        #[test]
        fn blocks_add_up_to_the_text(text in "[a\n]{0,300}", piece_bytes in 1usize..50) {
            prop_assert_eq!(blocks_of(text.as_bytes(), piece_bytes), (text.clone().into_bytes(), 0));
        }
    }
}
