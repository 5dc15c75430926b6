//! Frames of a stream of syslog: by count, or by line.
//!
//! RFC 6587 has two ways and no word that says which: `61 <34>1 ...` has its length in front, anything else ends where
//! the line does. A message begins with `<`, so a digit in its place is a count, and each frame is asked anew: relays
//! have been seen to mix both on one connection. What is longer than a message may be is dropped and passed over, so
//! that the next one is read.

use crate::sockets::{DropCause, Drops, MESSAGE_BYTES_MAX};

/// The most digits of a count; more are text.
const COUNT_DIGITS_MAX: usize = 9;

/// Takes frames out of what was read of one connection.
#[derive(Default)]
pub(crate) struct SyslogFrames {
    /// What was read and is not yet a whole frame.
    pub buffer: Vec<u8>,
    /// How much of it is known to have no end of a line.
    searched: usize,
    skipping: Option<Skipping>,
}

/// What is thrown away.
#[derive(Clone, Copy)]
enum Skipping {
    /// The rest of a line.
    Line,
    /// So many bytes.
    Bytes(usize),
}

/// What begins at some place of the buffer.
enum Frame {
    /// A frame with these bytes, and where the next one begins.
    Whole { start: usize, end: usize, next: usize },
    /// One that has not come to its end.
    Partial,
    /// One of so many bytes behind its count, which begin here.
    TooLong { start: usize, len: usize },
}

impl SyslogFrames {
    /// Hands on every frame that is whole; empty ones are passed over, and one that is too long is dropped.
    pub(crate) fn take(&mut self, drops: &mut Drops, mut each: impl FnMut(&[u8])) {
        let mut at = 0;
        loop {
            at = match self.skip(at) {
                Some(at) => at,
                None => break,
            };
            match self.frame(at) {
                Frame::Partial => break,
                Frame::Whole { start, end, next } => {
                    if end - start > MESSAGE_BYTES_MAX {
                        drops.add(DropCause::TooLarge, 1);
                    } else if !self.buffer[start..end].trim_ascii().is_empty() {
                        each(&self.buffer[start..end]);
                    }
                    at = next;
                }
                Frame::TooLong { start, len } => {
                    drops.add(DropCause::TooLarge, 1);
                    self.skipping = Some(Skipping::Bytes(len));
                    at = start;
                }
            }
            self.searched = 0;
        }
        self.buffer.drain(..at.min(self.buffer.len()));
        if self.buffer.len() > MESSAGE_BYTES_MAX + COUNT_DIGITS_MAX + 1 {
            drops.add(DropCause::TooLarge, 1);
            self.skipping = Some(Skipping::Line);
            self.buffer.clear();
        }
        self.searched = self.buffer.len();
    }

    /// Whether a frame has begun that has not ended.
    pub(crate) fn is_partial(&self) -> bool {
        self.skipping.is_some() || !self.buffer.trim_ascii().is_empty()
    }

    /// What is left when the stream ended: a last line without its end. A frame that is shorter than its count is cut,
    /// and kept as it is: what it says is worth more than that it says less.
    pub(crate) fn last(&mut self) -> Option<Vec<u8>> {
        let is_frame = self.skipping.is_none() && self.is_partial();
        let mut last = std::mem::take(&mut self.buffer);
        (self.searched, self.skipping) = (0, None);
        let blanks = last.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let count = count(&last[blanks..]).map_or(0, |(_, len)| len);
        last.drain(..blanks + count);
        is_frame.then_some(last).filter(|last| !last.is_empty())
    }

    /// Where what is to be thrown away ends; `None` if all of it is.
    fn skip(&mut self, at: usize) -> Option<usize> {
        let rest = self.buffer.get(at..).unwrap_or_default();
        let Some(skipping) = self.skipping else { return Some(at) };
        let (end, left) = match skipping {
            Skipping::Line => match memchr::memchr(b'\n', rest) {
                Some(end) => (at + end + 1, None),
                None => (self.buffer.len(), Some(Skipping::Line)),
            },
            Skipping::Bytes(count) if count <= rest.len() => (at + count, None),
            Skipping::Bytes(count) => (self.buffer.len(), Some(Skipping::Bytes(count - rest.len()))),
        };
        self.skipping = left;
        if left.is_some() {
            self.buffer.clear();
            return None;
        }
        Some(end)
    }

    fn frame(&self, at: usize) -> Frame {
        let is_between = |byte: &u8| matches!(byte, b'\n' | b'\r' | b' ' | 0);
        let rest = self.buffer.get(at..).unwrap_or_default();
        let start = at + rest.iter().take_while(|byte| is_between(byte)).count();
        let rest = &self.buffer[start..];
        if let Some((len, prefix)) = count(rest) {
            let start = start + prefix;
            return match start + len {
                _ if len > MESSAGE_BYTES_MAX => Frame::TooLong { start, len },
                end if end <= self.buffer.len() => Frame::Whole { start, end, next: end },
                _ => Frame::Partial,
            };
        }
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == rest.len() && digits <= COUNT_DIGITS_MAX {
            return Frame::Partial;
        }
        let from = start.max(self.searched);
        match memchr::memchr2(b'\n', 0, &self.buffer[from.min(self.buffer.len())..]) {
            Some(found) => {
                let end = from + found;
                let line = &self.buffer[start..end];
                let text = line.strip_suffix(b"\r").unwrap_or(line);
                Frame::Whole { start, end: start + text.len(), next: end + 1 }
            }
            None => Frame::Partial,
        }
    }
}

/// The count before a frame, and how many bytes it takes with the blank behind it.
fn count(text: &[u8]) -> Option<(usize, usize)> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let is_count =
        (1..=COUNT_DIGITS_MAX).contains(&digits) && text[0] != b'0' && text.get(digits) == Some(&b' ');
    let digits = is_count.then(|| &text[..digits])?;
    let count = digits.iter().fold(0, |count, digit| count * 10 + usize::from(digit - b'0'));
    Some((count, digits.len() + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::frames::testing;
    use super::*;
    use crate::protocol::Protocol;

    fn frames<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> (Vec<Vec<u8>>, Vec<(&'static str, u64)>) {
        testing::frames(Protocol::Syslog, parts)
    }

    fn check(stream: &[u8], expected: &[&[u8]]) {
        testing::check(Protocol::Syslog, stream, expected);
    }

    #[test]
    fn frames_have_a_count_or_end_with_the_line() {
        check(b"<1>a\n<2>b\n", &[b"<1>a", b"<2>b"]);
        check(b"<1>a\r\n<2>b", &[b"<1>a", b"<2>b"]);
        check(b"<1>a\0<2>b\0", &[b"<1>a", b"<2>b"]);
        check(b"4 <1>a5 <2>bc", &[b"<1>a", b"<2>bc"]);
        check(b"7 <1>a\nbc<2>d\n4 <3>e\n<4>f\n", &[b"<1>a\nbc", b"<2>d", b"<3>e", b"<4>f"]);
        check(b"9 <1>cut", &[b"<1>cut"]);
        check(b"\n\n \n", &[]);
        check(b"2026-11-20T10:15:30Z h p: t\n", &[b"2026-11-20T10:15:30Z h p: t"]);
        check(b"0 <1>a\n1234567890 b\n", &[b"0 <1>a", b"1234567890 b"]);
        check(b"12", &[b"12"]);
        check(b"", &[]);
    }

    #[test]
    fn a_frame_that_is_too_long_is_dropped_and_the_next_one_read() {
        let long = vec![b'x'; MESSAGE_BYTES_MAX + 20];
        let counted = [format!("{} ", long.len()).as_bytes(), &long, b"4 <1>a"].concat();
        let line = [b"<2>", long.as_slice(), b"\n<1>a\n"].concat();
        for stream in [counted, line] {
            for read_bytes in [1 << 16, 1 << 20, stream.len()] {
                let (found, dropped) = frames(stream.chunks(read_bytes));
                assert_eq!(
                    (found, dropped),
                    (vec![b"<1>a".to_vec()], vec![("too_large", 1)]),
                    "{read_bytes}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_frames(
            stream in prop::collection::vec(prop::sample::select(b"<a>12 0\n\r\0".to_vec()), 0..60),
            read_bytes in 1usize..20,
        ) {
            prop_assert_eq!(frames(stream.chunks(read_bytes)), frames([stream.as_slice()]));
        }

        #[test]
        fn what_is_framed_by_count_comes_out(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..8),
            read_bytes in 1usize..50,
        ) {
            let stream: Vec<u8> = messages
                .iter()
                .flat_map(|message| [format!("{} ", message.len()).as_bytes(), message].concat())
                .collect();
            let expected: Vec<Vec<u8>> =
                messages.into_iter().filter(|message| !message.trim_ascii().is_empty()).collect();
            prop_assert_eq!(frames(stream.chunks(read_bytes)).0, expected);
        }
    }
}
