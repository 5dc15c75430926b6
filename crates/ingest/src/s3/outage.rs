//! What the log says of trouble that lasts: once when it begins, once when it is over.
//!
//! A queue that is down fails a thousand times, and a thousand lines hide the one that matters. So a state is logged
//! at its changes, and what a person must act on once a minute for as long as nobody does.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How often the log repeats what a person must act on.
const REMINDER_EVERY: Duration = Duration::from_secs(60);

/// Whether something works.
#[derive(Debug)]
pub(crate) struct Outage {
    what: &'static str,
    is_down: AtomicBool,
}

impl Outage {
    /// `what` is its name in the log.
    pub(crate) fn new(what: &'static str) -> Self {
        Self { what, is_down: AtomicBool::new(false) }
    }

    pub(crate) fn failed(&self, source: &str, error: &dyn Display) {
        if !self.is_down.swap(true, Ordering::Relaxed) {
            tracing::warn!(what = self.what, source, error = %error, "unavailable; trying again until it works");
        }
    }

    pub(crate) fn worked(&self, source: &str) {
        if self.is_down() && self.is_down.swap(false, Ordering::Relaxed) {
            tracing::info!(what = self.what, source, "works again");
        }
    }

    pub(crate) fn is_down(&self) -> bool {
        self.is_down.load(Ordering::Relaxed)
    }
}

/// Lets through one call a minute.
#[derive(Debug, Default)]
pub(crate) struct Reminder {
    last: Mutex<Option<Instant>>,
}

impl Reminder {
    /// Whether it is time to say it, again.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| now.saturating_duration_since(last) >= REMINDER_EVERY);
        if is_due {
            *last = Some(now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reminder_comes_once_a_minute() {
        let reminder = Reminder::default();
        let start = Instant::now();
        for (seconds, is_due) in [(0, true), (1, false), (59, false), (60, true), (119, false), (500, true)] {
            assert_eq!(reminder.is_due(start + Duration::from_secs(seconds)), is_due, "{seconds}");
        }
    }
}
