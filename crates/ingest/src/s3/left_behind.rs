//! Objects that a listing found and that could not be counted yet, from one pass to the next.
//!
//! No queue brings them again, and only the last two days are listed again, so they are remembered. How many and how
//! long they matter is bounded: a folder that permissions hide may have a million objects, and none of them may stop
//! those that can be read, nor the watermark for good.

use std::time::Duration;

use tokio::time::Instant;

use super::object_reference::ObjectReference;

/// Objects that are remembered from pass to pass. Each is asked for in every pass, so more would take minutes; what
/// is beyond is found again by listing everything again.
pub(crate) const LEFT_BEHIND_MAX: usize = 1_000;

/// An object that could not be counted yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeftBehind {
    pub(crate) object: ObjectReference,
    /// When that was found out.
    pub(crate) since: Instant,
    /// For how long from then on the source is not complete because of it.
    pub(crate) hold_back: Duration,
}

impl LeftBehind {
    /// Whether the source is not complete because of it.
    pub(crate) fn is_holding_back(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < self.hold_back
    }
}

/// Keeps the oldest; how many were too many.
pub(crate) fn keep_oldest(left: &mut Vec<LeftBehind>) -> usize {
    let dropped = left.len().saturating_sub(LEFT_BEHIND_MAX);
    left.sort_by_key(|left| left.since);
    left.truncate(LEFT_BEHIND_MAX);
    dropped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(key: String, since: Instant) -> LeftBehind {
        let hold_back = Duration::from_secs(3600);
        LeftBehind { object: ObjectReference::new("b", key), since, hold_back }
    }

    #[test]
    fn an_object_holds_the_source_back_for_a_while_and_not_for_good() {
        let start = Instant::now();
        let left = left("k".to_owned(), start);
        for (seconds, is_holding_back) in [(0, true), (3599, true), (3600, false), (100_000, false)] {
            assert_eq!(
                left.is_holding_back(start + Duration::from_secs(seconds)),
                is_holding_back,
                "{seconds}"
            );
        }
    }

    #[test]
    fn of_too_many_the_oldest_are_kept() {
        let start = Instant::now();
        let younger = (0..LEFT_BEHIND_MAX).map(|at| left(format!("new{at}"), start + Duration::from_secs(1)));
        let mut all: Vec<_> = younger.chain([left("old".to_owned(), start)]).collect();
        assert_eq!(keep_oldest(&mut all), 1);
        assert_eq!((all.len(), all[0].object.key.as_str()), (LEFT_BEHIND_MAX, "old"));
        assert_eq!(keep_oldest(&mut all), 0);
    }
}
