//! How a query is told to stop.
//!
//! A flag and a deadline that the scan looks at between two pieces of work, each of a millisecond or so: a
//! thread that is waited for cannot be stopped from outside, and a query nobody waits for must not go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::failure::QueryFailure;

/// Stops the queries and the work that it was handed to. Clones share the flag.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    is_cancelled: Arc<AtomicBool>,
    /// The flag of the one that this is a child of.
    is_parent_cancelled: Option<Arc<AtomicBool>>,
    deadline: Option<Instant>,
}

impl Cancel {
    /// One that nobody has cancelled yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One that also stops by itself at `deadline`.
    pub fn at(deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..Self::default() }
    }

    /// One that stops by itself at `deadline`, and when this one is cancelled; not the other way round.
    #[must_use]
    pub fn child(&self, deadline: Instant) -> Self {
        Self { is_parent_cancelled: Some(Arc::clone(&self.is_cancelled)), ..Self::at(deadline) }
    }

    /// Asks whatever has this to stop soon. It stays cancelled.
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked to stop; the deadline is not looked at.
    pub fn is_cancelled(&self) -> bool {
        let is_set = |flag: &Arc<AtomicBool>| flag.load(Ordering::Relaxed);
        is_set(&self.is_cancelled) || self.is_parent_cancelled.as_ref().is_some_and(is_set)
    }

    /// Fails where the work must not go on.
    ///
    /// # Errors
    ///
    /// [`QueryFailure::Cancelled`] when somebody asked, [`QueryFailure::TimedOut`] when the deadline has passed.
    #[allow(clippy::disallowed_methods, reason = "a deadline is nothing but a look at the clock")]
    pub fn check(&self) -> Result<(), QueryFailure> {
        if self.is_cancelled() {
            return Err(QueryFailure::Cancelled);
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(QueryFailure::TimedOut),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a deadline is a place on the clock")]
    fn work_stops_when_somebody_asks_or_the_deadline_is_there() {
        let (cancel, late) = (Cancel::new(), Cancel::at(Instant::now()));
        let shared = cancel.clone();
        assert_eq!((cancel.check(), late.check()), (Ok(()), Err(QueryFailure::TimedOut)));
        shared.cancel();
        assert_eq!((cancel.check(), late.is_cancelled()), (Err(QueryFailure::Cancelled), false));
    }
}
