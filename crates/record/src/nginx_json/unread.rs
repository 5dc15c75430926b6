//! Which members of a line a request does not have: remembered while the line is read, for those who keep records.
//!
//! Reading a line a second time for its other fields costs as much as the first time, and most lines have none or
//! one or two. So the parser notes where they lie, which costs the counting path a comparison per member, and
//! who wants them reads those alone. Only a few places are kept: the last one reaches to the last member.

/// Places that are kept apart.
const PLACES_MAX: usize = 4;

/// Where in its line a request has members that none of its fields holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnreadMembers<'a> {
    /// The line itself: what is noted is true of no other, be it as long and as like.
    line: &'a [u8],
    places: [(u32, u32); PLACES_MAX],
    len: u8,
}

impl<'a> UnreadMembers<'a> {
    pub(crate) fn of(line: &'a [u8]) -> Self {
        Self { line, ..Self::default() }
    }

    /// Notes the member from `start` to `end`, which may have members behind it that were read.
    #[inline]
    pub(crate) fn add(&mut self, start: usize, end: usize) {
        // Lines are bounded far below 4 GiB; one that is not is read as a whole.
        let place = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
        let len = usize::from(self.len);
        match len.checked_sub(1).and_then(|last| self.places.get_mut(last)) {
            Some(last) if last.1 as usize == start || len == PLACES_MAX => last.1 = place(end),
            _ => {
                self.places[len] = (place(start), place(end));
                self.len += 1;
            }
        }
    }

    /// Where they are in `line`; `None` where nothing is known of it.
    pub(crate) fn places(&self, line: &[u8]) -> Option<&[(u32, u32)]> {
        std::ptr::eq(self.line, line).then_some(&self.places[..usize::from(self.len)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_joined_where_they_meet_or_where_there_is_no_more_room() {
        let line = [0; 100];
        let mut unread = UnreadMembers::of(&line);
        for start in [0, 5, 20, 40, 60, 80] {
            unread.add(start, start + 5);
        }
        assert_eq!(unread.places(&line), Some(&[(0, 10), (20, 25), (40, 45), (60, 85)][..]));
        assert_eq!(unread.places(&[0; 100]), None);
    }
}
