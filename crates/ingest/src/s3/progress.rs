//! Up to when everything of a queue has been dealt with.
//!
//! A queue has no positions, so "caught up" is a statement about a moment: at some time the queue had no more to
//! give, and everything it gave until then is done. Messages that failed and wait for another try are not done; they
//! hold the statement back. They may come back to another worker, though, so they do so only until a while after they
//! are visible again: else one message, counted elsewhere, would stop this worker's watermark for good.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::SystemTime;

use tokio::time::Instant;

/// Failed messages that are remembered by id; of more only the time until which the last of them is away.
const HELD_MAX: usize = 10_000;

/// Moments that wait for older messages. With more, the newest is replaced, and nothing but detail is lost.
const MARKS_MAX: usize = 64;

/// What has been received and not yet dealt with.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    next_number: u64,
    in_work: BTreeSet<u64>,
    /// Failed messages, and until when they hold everything back; `None` while they are in work again.
    held: HashMap<String, Option<Instant>>,
    held_unnamed_until: Option<Instant>,
    /// The number before which everything must be done, and when the queue was asked.
    marks: VecDeque<(u64, SystemTime)>,
}

impl Progress {
    /// Notes a message and numbers it.
    pub(crate) fn received(&mut self, id: &str) -> u64 {
        if let Some(until) = self.held.get_mut(id) {
            *until = None;
        }
        let number = self.next_number;
        self.next_number += 1;
        self.in_work.insert(number);
        number
    }

    /// The queue was asked at this moment and had no more than what was noted.
    pub(crate) fn emptied(&mut self, asked_at: SystemTime) {
        if self.marks.len() == MARKS_MAX {
            self.marks.pop_back();
        }
        self.marks.push_back((self.next_number, asked_at));
    }

    /// A message is dealt with.
    pub(crate) fn done(&mut self, number: u64, id: &str) {
        self.in_work.remove(&number);
        self.held.remove(id);
    }

    /// A message failed and waits for another try; `until` is when somebody else must have had it.
    pub(crate) fn failed(&mut self, number: u64, id: &str, until: Instant) {
        self.in_work.remove(&number);
        if self.held.len() < HELD_MAX || self.held.contains_key(id) {
            self.held.insert(id.to_owned(), Some(until));
        } else {
            self.held_unnamed_until = self.held_unnamed_until.max(Some(until));
        }
    }

    /// The latest moment up to which everything is dealt with, if that is news.
    pub(crate) fn reached(&mut self, now: Instant) -> Option<SystemTime> {
        if self.marks.is_empty() || self.held_unnamed_until.is_some_and(|until| until > now) {
            return None;
        }
        self.held.retain(|_, until| until.is_none_or(|until| until > now));
        if !self.held.is_empty() {
            return None;
        }
        let oldest = self.in_work.first().copied().unwrap_or(u64::MAX);
        let mut reached = None;
        while let Some((_, asked_at)) = self.marks.pop_front_if(|(number, _)| *number <= oldest) {
            reached = Some(asked_at);
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_moment_is_reached_when_all_before_it_is_done() {
        let now = Instant::now();
        let mut progress = Progress::default();
        progress.emptied(at(1));
        assert_eq!(progress.reached(now), Some(at(1)));
        assert_eq!(progress.reached(now), None);
        let (a, b) = (progress.received("a"), progress.received("b"));
        progress.emptied(at(2));
        let c = progress.received("c");
        progress.emptied(at(3));
        progress.done(b, "b");
        assert_eq!(progress.reached(now), None);
        progress.done(a, "a");
        assert_eq!(progress.reached(now), Some(at(2)));
        progress.done(c, "c");
        assert_eq!(progress.reached(now), Some(at(3)));
    }

    #[test]
    fn a_failed_message_holds_back_until_it_is_done_or_must_be_elsewhere() {
        let now = Instant::now();
        let later = now + Duration::from_secs(60);
        let mut progress = Progress::default();
        let first = progress.received("a");
        progress.emptied(at(1));
        progress.failed(first, "a", later);
        assert_eq!(progress.reached(now), None);
        let again = progress.received("a");
        assert_eq!(progress.reached(later), None, "it is in work again");
        progress.done(again, "a");
        assert_eq!(progress.reached(now), Some(at(1)));

        let lost = progress.received("b");
        progress.failed(lost, "b", later);
        progress.emptied(at(2));
        assert_eq!(progress.reached(now), None);
        assert_eq!(progress.reached(later), Some(at(2)));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let now = Instant::now();
        let later = now + Duration::from_secs(60);
        let mut progress = Progress::default();
        for index in 0..HELD_MAX + 5 {
            let id = index.to_string();
            let number = progress.received(&id);
            progress.failed(number, &id, later);
            progress.emptied(at(index as u64));
        }
        assert_eq!((progress.held.len(), progress.marks.len()), (HELD_MAX, MARKS_MAX));
        for index in 0..HELD_MAX {
            progress.done(u64::MAX, &index.to_string());
        }
        assert_eq!(progress.reached(now), None, "the unnamed ones still hold it back");
        assert_eq!(progress.reached(later), Some(at(HELD_MAX as u64 + 4)));
    }
}
