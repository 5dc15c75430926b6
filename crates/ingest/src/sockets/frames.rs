//! Frames of a stream: messages of GELF, which each end in a NUL, and of syslog.
//!
//! Apart from the connection, so that any cut of the bytes into reads can be tested.

use super::chunks::MESSAGE_BYTES_MAX;
use super::drops::{DropCause, Drops};
use super::syslog_frames::SyslogFrames;
use crate::protocol::Protocol;

/// Frames of either protocol.
pub(super) enum Frames {
    /// Of GELF.
    Nul(NulFrames),
    /// Of syslog.
    Syslog(SyslogFrames),
}

impl Frames {
    pub(super) fn new(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Gelf => Self::Nul(NulFrames::default()),
            Protocol::Syslog => Self::Syslog(SyslogFrames::default()),
        }
    }

    /// What was read and is not yet a whole frame; more is added at its end.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Nul(frames) => &mut frames.buffer,
            Self::Syslog(frames) => &mut frames.buffer,
        }
    }

    /// Hands on every frame that is whole; empty ones are passed over, and one that is too long is dropped.
    pub(super) fn take(&mut self, drops: &mut Drops, each: impl FnMut(&[u8])) {
        match self {
            Self::Nul(frames) => frames.take(drops, each),
            Self::Syslog(frames) => frames.take(drops, each),
        }
    }

    /// Whether a frame has begun that has not ended.
    pub(super) fn is_partial(&self) -> bool {
        match self {
            Self::Nul(frames) => frames.is_partial(),
            Self::Syslog(frames) => frames.is_partial(),
        }
    }

    /// What is left when the stream ended: a last frame without its end, if there is one.
    pub(super) fn last(&mut self) -> Option<Vec<u8>> {
        match self {
            Self::Nul(frames) => frames.last(),
            Self::Syslog(frames) => frames.last(),
        }
    }

    /// Counts a frame that will not come to its end.
    pub(super) fn give_up(&mut self, cause: DropCause, drops: &mut Drops) {
        if self.last().is_some() {
            drops.add(cause, 1);
        }
    }
}

/// Takes frames that end in a NUL out of what was read of one connection.
#[derive(Default)]
pub(super) struct NulFrames {
    /// What was read and is not yet a whole frame.
    pub buffer: Vec<u8>,
    /// How much of it is known to have no end of a frame.
    searched: usize,
    /// Whether the frame was too long, so that the rest of it is thrown away.
    is_skipping: bool,
}

impl NulFrames {
    fn take(&mut self, drops: &mut Drops, mut each: impl FnMut(&[u8])) {
        let mut start = 0;
        let mut from = self.searched;
        while let Some(found) = memchr::memchr(0, &self.buffer[from..]) {
            let end = from + found;
            if self.is_skipping {
                self.is_skipping = false;
            } else if end - start > MESSAGE_BYTES_MAX {
                drops.add(DropCause::TooLarge, 1);
            } else if !self.buffer[start..end].trim_ascii().is_empty() {
                each(&self.buffer[start..end]);
            }
            start = end + 1;
            from = start;
        }
        self.buffer.drain(..start);
        if self.buffer.len() > MESSAGE_BYTES_MAX && !self.is_skipping {
            drops.add(DropCause::TooLarge, 1);
            self.is_skipping = true;
        }
        if self.is_skipping {
            self.buffer.clear();
        }
        self.searched = self.buffer.len();
    }

    fn is_partial(&self) -> bool {
        self.is_skipping || !self.buffer.trim_ascii().is_empty()
    }

    fn last(&mut self) -> Option<Vec<u8>> {
        let is_frame = !self.is_skipping && self.is_partial();
        let last = std::mem::take(&mut self.buffer);
        (self.searched, self.is_skipping) = (0, false);
        is_frame.then_some(last)
    }
}

/// What tests of either protocol ask of its frames.
#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// The frames of a stream that was read in these parts, and what was dropped.
    pub(crate) fn frames<'p>(
        protocol: Protocol,
        parts: impl IntoIterator<Item = &'p [u8]>,
    ) -> (Vec<Vec<u8>>, Vec<(&'static str, u64)>) {
        let (mut frames, mut drops, mut found) = (Frames::new(protocol), Drops::default(), Vec::new());
        for part in parts {
            frames.buffer().extend_from_slice(part);
            frames.take(&mut drops, |frame| found.push(frame.to_vec()));
        }
        found.extend(frames.last());
        (found, drops.take())
    }

    /// A stream has these frames, however it is read.
    pub(crate) fn check(protocol: Protocol, stream: &[u8], expected: &[&[u8]]) {
        assert_eq!(frames(protocol, [stream]).0, expected, "{}", stream.escape_ascii());
        assert_eq!(frames(protocol, stream.chunks(1)).0, expected, "{}", stream.escape_ascii());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::testing;
    use super::*;

    fn frames<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> (Vec<Vec<u8>>, Vec<(&'static str, u64)>) {
        testing::frames(Protocol::Gelf, parts)
    }

    fn check(stream: &[u8], expected: &[&[u8]]) {
        testing::check(Protocol::Gelf, stream, expected);
    }

    #[test]
    fn frames_end_in_a_nul_and_the_last_one_need_not() {
        check(b"one\0two\0", &[b"one", b"two"]);
        check(b"one\0two", &[b"one", b"two"]);
        check(b"\0\0one\0\0\n\0", &[b"one"]);
        check(b"one\n\0two\n", &[b"one\n", b"two\n"]);
        check(b"one\0\n", &[b"one"]);
        check(b"", &[]);
    }

    #[test]
    fn a_frame_that_is_too_long_is_dropped_and_the_next_one_read() {
        let long = vec![b'x'; MESSAGE_BYTES_MAX + 1];
        let largest = &long[1..];
        let stream = [b"one\0", long.as_slice(), b"\0two\0", largest, b"\0"].concat();
        for read_bytes in [1 << 16, 1 << 20, stream.len()] {
            let (found, dropped) = frames(stream.chunks(read_bytes));
            assert_eq!(dropped, [("too_large", 1)], "{read_bytes}");
            assert_eq!(found, [b"one".as_slice(), b"two", largest], "{read_bytes}");
        }
        let (found, dropped) = frames(long.chunks(1 << 16));
        assert_eq!((found.len(), dropped), (0, vec![("too_large", 1)]));
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_frames(
            stream in prop::collection::vec(prop::sample::select(b"ab\0 \n".to_vec()), 0..60), read_bytes in 1usize..20,
        ) {
            prop_assert_eq!(frames(stream.chunks(read_bytes)), frames([stream.as_slice()]));
        }
    }
}
