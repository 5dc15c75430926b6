//! Up to when everything of a queue has been dealt with.
//!
//! A queue has no positions, so "caught up" is a statement about a moment: at some time the queue had no more to
//! give, and everything it gave until then is done. Messages that failed and wait for another try are not done; they
//! hold the statement back. They may come back to another worker, though, so they do so only until a while after they
//! are visible again: else one message, counted elsewhere, would stop this worker's watermark for good. And they do
//! so for a limited time from their first failure on, however often they come: else one object that permissions hide
//! would do the same.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// Failed messages that are remembered by id; of more only the time until which the last of them is away.
const HELD_MAX: usize = 10_000;

/// Moments that wait for older messages. With more, the newest is replaced, and nothing but detail is lost.
const MARKS_MAX: usize = 64;

/// What has been received and not yet dealt with.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    next_number: u64,
    /// Messages in work, and whether they hold back what was marked after them.
    in_work: BTreeMap<u64, bool>,
    held: HashMap<String, Held>,
    /// Since when and until when there are failed messages that are not remembered by id.
    held_unnamed: Option<(Instant, Instant)>,
    /// The number before which everything must be done, and when the queue was asked.
    marks: VecDeque<(u64, SystemTime)>,
}

/// A message that failed.
#[derive(Clone, Copy, Debug)]
struct Held {
    /// When it failed first.
    since: Instant,
    /// For how long from then on it holds everything back.
    hold_back: Duration,
    /// When somebody else must have had it; `None` while it is in work again.
    until: Option<Instant>,
}

impl Held {
    fn is_holding_back(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < self.hold_back
    }
}

impl Progress {
    /// Notes a message and numbers it.
    pub(crate) fn received(&mut self, id: &str, now: Instant) -> u64 {
        let mut is_holding_back = true;
        if let Some(held) = self.held.get_mut(id) {
            held.until = None;
            is_holding_back = held.is_holding_back(now);
        }
        let number = self.next_number;
        self.next_number += 1;
        self.in_work.insert(number, is_holding_back);
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

    /// A message failed and waits for another try; `until` is when somebody else must have had it, and `hold_back`
    /// how long after its first failure nothing waits for it any more.
    pub(crate) fn failed(
        &mut self,
        number: u64,
        id: &str,
        now: Instant,
        until: Instant,
        hold_back: Duration,
    ) {
        self.in_work.remove(&number);
        let since = self.held.get(id).map_or(now, |held| held.since);
        if self.held.len() < HELD_MAX || self.held.contains_key(id) {
            self.held.insert(id.to_owned(), Held { since, hold_back, until: Some(until) });
        } else {
            let (since, latest) = self.held_unnamed.unwrap_or((now, until));
            self.held_unnamed = Some((since, latest.max(until).min(since + hold_back)));
        }
    }

    /// Messages that the queue has handed out to this worker, and that are not done.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_work.len() + self.held.values().filter(|held| held.until.is_some()).count()
    }

    /// The latest moment up to which everything is dealt with, if that is news.
    pub(crate) fn reached(&mut self, now: Instant) -> Option<SystemTime> {
        self.held_unnamed = self.held_unnamed.filter(|(_, until)| *until > now);
        if self.marks.is_empty() || self.held_unnamed.is_some() {
            return None;
        }
        self.held.retain(|_, held| held.until.is_none_or(|until| until > now));
        if self.held.values().any(|held| held.is_holding_back(now)) {
            return None;
        }
        let oldest = self.in_work.iter().find(|(_, is_holding_back)| **is_holding_back);
        let oldest = oldest.map_or(u64::MAX, |(number, _)| *number);
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

    const HOLD_BACK: Duration = Duration::from_secs(3600);

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
        let (a, b) = (progress.received("a", now), progress.received("b", now));
        progress.emptied(at(2));
        let c = progress.received("c", now);
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
        let first = progress.received("a", now);
        progress.emptied(at(1));
        progress.failed(first, "a", now, later, HOLD_BACK);
        assert_eq!(progress.reached(now), None);
        let again = progress.received("a", now);
        assert_eq!(progress.reached(later), None, "it is in work again");
        progress.done(again, "a");
        assert_eq!(progress.reached(now), Some(at(1)));

        let lost = progress.received("b", now);
        progress.failed(lost, "b", now, later, HOLD_BACK);
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
            let number = progress.received(&id, now);
            progress.failed(number, &id, now, later, HOLD_BACK);
            progress.emptied(at(index as u64));
        }
        assert_eq!((progress.held.len(), progress.marks.len()), (HELD_MAX, MARKS_MAX));
        for index in 0..HELD_MAX {
            progress.done(u64::MAX, &index.to_string());
        }
        assert_eq!(progress.reached(now), None, "the unnamed ones still hold it back");
        assert_eq!(progress.reached(later), Some(at(HELD_MAX as u64 + 4)));
    }

    #[test]
    fn a_message_that_fails_for_ever_holds_back_for_an_hour() {
        let start = Instant::now();
        let mut progress = Progress::default();
        let mut first_reached_s = None;
        for seconds in (0..7200).step_by(60) {
            let now = start + Duration::from_secs(seconds);
            let number = progress.received("a", now);
            progress.emptied(at(seconds));
            if progress.reached(now).is_some() {
                first_reached_s.get_or_insert(seconds);
            }
            progress.failed(number, "a", now, now + Duration::from_secs(600), HOLD_BACK);
            assert_eq!(progress.in_flight(), 1, "it is ours all the time");
        }
        assert_eq!(first_reached_s, Some(3600), "also while it is in work");
    }

    #[test]
    fn messages_without_a_name_hold_back_for_an_hour_too() {
        let start = Instant::now();
        let mut progress = Progress::default();
        for index in 0..HELD_MAX {
            let number = progress.received(&index.to_string(), start);
            progress.failed(number, &index.to_string(), start, start, HOLD_BACK);
        }
        for seconds in (0..=3600).step_by(60) {
            let now = start + Duration::from_secs(seconds);
            let number = progress.received("more", now);
            progress.failed(number, "more", now, now + Duration::from_secs(600), HOLD_BACK);
        }
        progress.emptied(at(1));
        assert_eq!(progress.reached(start + Duration::from_secs(3599)), None);
        assert_eq!(progress.reached(start + Duration::from_secs(3600)), Some(at(1)));
    }
}
