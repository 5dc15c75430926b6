//! What was appended to a file, a piece of whole lines at a time.
//!
//! A piece is bounded, a line is not: one that is longer than may be is looked through to its end, which costs
//! no memory, and is one reject when that is there. Zeros, which a crash or a writer that did not notice a
//! truncation leaves, end a line as a line end does, so that they spoil neither the line before nor the one
//! after.
//!
//! The file may be emptied at any moment. So the beginning is looked at after the piece was read: if it is
//! still the one of before, the piece is what followed it.

use std::fs::File;
use std::io;

use weir_record::Format;

use crate::file_head::{FileHead, HEAD_BYTES_MAX, read_piece};
use crate::file_tail::FileTail;
use crate::multiline::Multiline;

/// Bytes that are looked at together for the end of a long line.
const SCAN_BYTES: usize = 256 << 10;

/// How far a text was read, and how it is told again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// Bytes from its start.
    pub offset: u64,
    /// How it begins.
    pub head: FileHead,
    /// What stands before `offset`.
    pub(crate) tail: FileTail,
    /// The format of its lines, once it is known.
    pub format: Option<Format>,
}

impl Trace {
    /// The same, with the format of its lines.
    #[must_use]
    pub fn with_format(self, format: Option<Format>) -> Self {
        Self { format, ..self }
    }

    /// Whether `file` has the text that was read.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub(crate) fn is_of(&self, file: &File) -> io::Result<bool> {
        Ok(file.metadata()?.len() >= self.offset
            && self.head.is_of(file)?
            && self.tail.is_before(file, self.offset)?)
    }
}

/// What may be expected after the end of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// More: a part of a line is left, and the last of several events of several lines.
    #[default]
    Growing,
    /// Nothing for a while: only a part of a line is left.
    Paused,
    /// Nothing: all is taken.
    Ended,
}

/// How a piece is read.
#[derive(Clone, Copy, Debug)]
pub struct PieceLimits<'m> {
    /// Bytes of a piece; a line that fills it is too long.
    pub bytes: usize,
    /// How lines become events, if not each is one.
    pub multiline: Option<&'m Multiline>,
}

/// What a piece led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where it ends. Nothing was read where that is where it began.
    pub trace: Trace,
    /// It is a line too long to be read, which was passed over.
    pub is_long_line: bool,
    /// As far as the end of a long line was looked for, in bytes from the start of the file.
    pub scanned_to: u64,
    /// There is more to read at once.
    pub has_more: bool,
}

/// Reads the lines that follow `trace` in `file` into `text`, as far as there are whole ones. `scanned_to` is
/// what an earlier piece from there said.
///
/// # Errors
///
/// The operating system's.
pub fn read_appended(
    file: &File,
    trace: &Trace,
    scanned_to: u64,
    ending: Ending,
    limits: &PieceLimits<'_>,
    text: &mut Vec<u8>,
) -> io::Result<Piece> {
    let nothing = Piece { trace: *trace, is_long_line: false, scanned_to, has_more: false };
    let there = file.metadata()?.len().saturating_sub(trace.offset);
    let bytes = usize::try_from(there).map_or(limits.bytes, |there| there.min(limits.bytes));
    read_piece(file, trace.offset, bytes, text)?;
    if !trace.is_of(file)? {
        // It was emptied; the next look tells.
        text.clear();
        return Ok(nothing);
    }
    let is_full = text.len() == limits.bytes;
    let mut len = taken(text, if is_full { Ending::Growing } else { ending }, limits.multiline);
    if len == 0 && is_full {
        len = text.iter().take_while(|&&byte| byte == 0).count();
        if len == 0 {
            return pass_over_line(file, &nothing, ending, text);
        }
    }
    text.truncate(len);
    if text.is_empty() {
        return Ok(nothing);
    }
    let trace = Trace {
        offset: trace.offset + text.len() as u64,
        head: trace.head.extended(file, trace.offset, text)?,
        tail: FileTail::of_text(text),
        format: trace.format,
    };
    if memchr::memchr(0, text).is_some() {
        text.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b'\n');
    }
    Ok(Piece { trace, is_long_line: false, scanned_to: 0, has_more: is_full })
}

/// How much of a text is taken.
fn taken(text: &[u8], ending: Ending, multiline: Option<&Multiline>) -> usize {
    let lines = memchr::memrchr(b'\n', text).map_or(0, |end| end + 1);
    match (ending, multiline) {
        (Ending::Ended, _) => text.len(),
        (Ending::Growing, Some(multiline)) => multiline.last_event(&text[..lines]),
        (Ending::Growing | Ending::Paused, _) => lines,
    }
}

/// Looks for the end of a line that fills `text`.
fn pass_over_line(file: &File, start: &Piece, ending: Ending, text: &mut Vec<u8>) -> io::Result<Piece> {
    let begins_at = start.trace.offset;
    let mut at = start.scanned_to.max(begins_at + text.len() as u64);
    text.truncate(HEAD_BYTES_MAX as usize);
    let beginning = std::mem::take(text);
    let end = loop {
        read_piece(file, at, SCAN_BYTES, text)?;
        if let Some(len) = memchr::memchr2(b'\n', 0, text) {
            break Some(at + len as u64 + 1);
        }
        at += text.len() as u64;
        if text.len() < SCAN_BYTES {
            break if ending == Ending::Ended { Some(at) } else { None };
        }
    };
    text.clear();
    let Some(end) = end else { return Ok(Piece { scanned_to: at, ..*start }) };
    let head = start.trace.head.extended(file, begins_at, &beginning)?;
    let tail = FileTail::before(file, end)?;
    let trace = Trace { offset: end, head, tail, format: start.trace.format };
    Ok(Piece { trace, is_long_line: true, scanned_to: 0, has_more: true })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use regex::bytes::Regex;

    use super::*;
    use crate::multiline::MULTILINE_TIMEOUT_DEFAULT;

    /// Reads a file of this content to its end in pieces of so many bytes: the texts, `...` for a long line.
    fn pieces(content: &[u8], bytes: usize, ending: Ending, multiline: Option<&Multiline>) -> Vec<String> {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(content).expect("written");
        let limits = PieceLimits { bytes, multiline };
        let (mut trace, mut pieces, mut text) = (Trace::default(), Vec::new(), Vec::new());
        loop {
            let piece = read_appended(&file, &trace, 0, ending, &limits, &mut text).expect("read");
            if piece.trace == trace {
                return pieces;
            }
            assert!(piece.trace.is_of(&file).expect("read"));
            trace = piece.trace;
            pieces.push(if piece.is_long_line {
                "...".to_owned()
            } else {
                String::from_utf8(text.clone()).expect("UTF-8")
            });
        }
    }

    #[test]
    fn lines_are_taken_when_they_are_whole() {
        let check = |content: &str, bytes: usize, ending: Ending, expected: &[&str]| {
            assert_eq!(pieces(content.as_bytes(), bytes, ending, None), expected, "{content:?} {bytes}");
        };
        check("one\ntw", 20, Ending::Growing, &["one\n"]);
        check("one\ntw", 20, Ending::Paused, &["one\n"]);
        check("one\ntw", 20, Ending::Ended, &["one\ntw"]);
        check("one\ntwo\nthree\n", 6, Ending::Growing, &["one\n", "two\n", "three\n"]);
    }

    #[test]
    fn a_line_longer_than_a_piece_is_passed_over_once_it_is_whole() {
        let long = "x".repeat(1_000_000);
        let check = |content: &str, ending: Ending, expected: &[&str]| {
            assert_eq!(pieces(content.as_bytes(), 10, ending, None), expected);
        };
        check(&format!("{long}\nafter\n"), Ending::Growing, &["...", "after\n"]);
        check(&long, Ending::Growing, &[]);
        check(&long, Ending::Ended, &["..."]);
        check(&format!("{long}\0after\n"), Ending::Growing, &["...", "after\n"]);
    }

    #[test]
    fn zeros_end_a_line() {
        let check = |content: &str, bytes: usize, expected: &[&str]| {
            assert_eq!(pieces(content.as_bytes(), bytes, Ending::Growing, None), expected);
        };
        check("one\n\0\0\0two\n", 20, &["one\n\n\n\ntwo\n"]);
        check("half a li\0\0two\n", 20, &["half a li\n\ntwo\n"]);
        check("one\n\0\0\0", 20, &["one\n"]);
        check(
            &format!("{}one\n", "\0".repeat(25)),
            10,
            &["\n".repeat(10).as_str(), &"\n".repeat(10), "\n\n\n\n\none\n"],
        );
    }

    #[test]
    fn the_last_event_of_several_lines_waits_for_the_next_or_for_a_pause() {
        let start = Regex::new("^[0-9]").expect("a pattern");
        let multiline = Multiline { start, timeout: MULTILINE_TIMEOUT_DEFAULT, lines_max: 3, bytes_max: 100 };
        let check = |content: &str, ending: Ending, expected: &[&str]| {
            assert_eq!(pieces(content.as_bytes(), 200, ending, Some(&multiline)), expected, "{content:?}");
        };
        check("1 a\n b\n2 c\n d", Ending::Growing, &["1 a\n b\n"]);
        check("1 a\n b\n2 c\n d", Ending::Paused, &["1 a\n b\n2 c\n"]);
        check("1 a\n b\n2 c\n d", Ending::Ended, &["1 a\n b\n2 c\n d"]);
        check("1 a\n b\n c\n", Ending::Growing, &["1 a\n b\n c\n"]);
    }

    #[test]
    fn nothing_is_read_of_a_file_that_was_emptied_meanwhile() {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(b"other\nlines\n").expect("written");
        let head = FileHead::of_bytes(b"one\n");
        let trace = Trace { offset: 4, head, tail: FileTail::of_text(b"one\n"), format: None };
        let limits = PieceLimits { bytes: 100, multiline: None };
        let mut text = Vec::new();
        let piece = read_appended(&file, &trace, 0, Ending::Growing, &limits, &mut text).expect("read");
        assert_eq!((piece.trace, text.len()), (trace, 0));
    }
}
