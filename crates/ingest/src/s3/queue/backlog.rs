//! Whether a queue has no more to give.
//!
//! A receive that brings little or nothing does not say so: SQS asks some of its servers and answers short while
//! thousands wait, and what a killed program had received is invisible until its time runs out. Whoever believes such
//! an answer moves the watermark, and the backlog is late. So the queue is asked for its numbers too. They are
//! approximate and need a permission; without it only time helps.

use std::time::Duration;

use tokio::time::Instant;

use super::super::aws_failure::{AwsFailure, FailureKind};
use super::super::intake::HOLD_BACK_MAX;

/// How often the numbers are asked for at most. A receive that brings nothing takes 20 s, so this matters only where
/// one does not wait.
pub(super) const ASK_EVERY: Duration = Duration::from_secs(5);

/// How long they are not asked for after a refusal: a person may have given the permission meanwhile.
const ASK_AFTER_REFUSAL: Duration = Duration::from_secs(600);

/// How many messages a queue has, about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct QueueDepth {
    /// Messages that can be received.
    pub(crate) visible: u64,
    /// Messages that somebody has received and not deleted.
    pub(crate) in_flight: u64,
}

/// What is known of it.
#[derive(Debug)]
pub(super) struct Backlog {
    started_at: Instant,
    /// What was received before the start and never finished is visible again after this time.
    visibility_timeout: Duration,
    ask_every: Duration,
    asked_at: Option<Instant>,
    is_refused: bool,
    /// Since when others have messages, and nothing else is left.
    others_since: Option<Instant>,
}

impl Backlog {
    pub(super) fn new(visibility_timeout: Duration, ask_every: Duration, now: Instant) -> Self {
        Self {
            started_at: now,
            visibility_timeout,
            ask_every,
            asked_at: None,
            is_refused: false,
            others_since: None,
        }
    }

    /// Whether the numbers are to be asked for, after a receive that brought nothing.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let pause = if self.is_refused { ASK_AFTER_REFUSAL } else { self.ask_every };
        self.asked_at.is_none_or(|at| now.saturating_duration_since(at) >= pause)
    }

    /// Takes in the answer; whether it is a refusal that is news.
    pub(super) fn refused(&mut self, failure: &AwsFailure, now: Instant) -> bool {
        self.asked_at = Some(now);
        // Other servers than SQS may not know the call.
        let is_refused = matches!(failure.kind, FailureKind::Denied | FailureKind::Other);
        let is_news = is_refused && !self.is_refused;
        self.is_refused |= is_refused;
        is_news
    }

    /// Takes in the numbers; whether the queue is empty but for the `own_in_flight` messages of this worker.
    ///
    /// What others hold may be what this worker held before it was killed, so it is waited for; but not for good,
    /// since it may as well be another worker's that always has something.
    pub(super) fn is_empty_by(&mut self, depth: QueueDepth, own_in_flight: usize, now: Instant) -> bool {
        self.asked_at = Some(now);
        self.is_refused = false;
        let others = depth.in_flight > own_in_flight as u64;
        if depth.visible > 0 || !others {
            self.others_since = None;
            return depth.visible == 0;
        }
        let since = *self.others_since.get_or_insert(now);
        now.saturating_duration_since(since) >= HOLD_BACK_MAX.max(self.visibility_timeout)
    }

    /// Whether a receive that brought nothing is all that can be known.
    pub(super) fn is_empty_by_receive(&self, now: Instant) -> bool {
        self.is_refused && now.saturating_duration_since(self.started_at) >= self.visibility_timeout
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VISIBILITY: Duration = Duration::from_secs(300);

    fn failure(kind: FailureKind) -> AwsFailure {
        AwsFailure { kind, detail: "as asked".to_owned() }
    }

    #[test]
    fn a_queue_is_empty_when_nothing_is_visible_and_nobody_else_has_anything() {
        let start = Instant::now();
        let mut backlog = Backlog::new(VISIBILITY, ASK_EVERY, start);
        for (seconds, visible, in_flight, own, is_empty) in [
            (0, 0, 0, 0, true),
            (10, 1, 0, 0, false),
            (20, 0, 3, 3, true),
            (30, 0, 2, 3, true),
            (40, 0, 4, 3, false),
            (3639, 0, 4, 3, false),
            (3640, 0, 4, 3, true),
            (3650, 1, 4, 3, false),
            (3660, 0, 4, 3, false),
        ] {
            let now = start + Duration::from_secs(seconds);
            let depth = QueueDepth { visible, in_flight };
            assert_eq!(backlog.is_empty_by(depth, own, now), is_empty, "{seconds}");
        }
    }

    #[test]
    fn without_the_permission_nothing_is_empty_before_what_was_in_flight_is_back() {
        let start = Instant::now();
        for (kind, seconds, is_empty) in [
            (FailureKind::Denied, 299, false),
            (FailureKind::Denied, 300, true),
            (FailureKind::Other, 300, true),
            (FailureKind::Unavailable, 300, false),
            (FailureKind::Credentials, 300, false),
        ] {
            let mut backlog = Backlog::new(VISIBILITY, ASK_EVERY, start);
            assert!(!backlog.is_empty_by_receive(start + VISIBILITY), "not asked yet");
            backlog.refused(&failure(kind), start);
            let now = start + Duration::from_secs(seconds);
            assert_eq!(backlog.is_empty_by_receive(now), is_empty, "{seconds}");
        }
    }

    #[test]
    fn the_numbers_are_asked_for_now_and_then() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut backlog = Backlog::new(VISIBILITY, ASK_EVERY, start);
        assert!(backlog.is_due(start));
        backlog.is_empty_by(QueueDepth::default(), 0, start);
        assert_eq!([4, 5].map(|seconds| backlog.is_due(at(seconds))), [false, true]);
        assert!(backlog.refused(&failure(FailureKind::Denied), at(5)));
        assert!(!backlog.refused(&failure(FailureKind::Denied), at(5)), "it is said once");
        assert_eq!([604, 605].map(|seconds| backlog.is_due(at(seconds))), [false, true]);
    }
}
