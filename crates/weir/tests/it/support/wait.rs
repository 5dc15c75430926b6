//! Waiting for an event, never for a time.

use std::time::{Duration, Instant};

/// Far more than anything here takes, for a machine that is busy with other tests.
const DEADLINE: Duration = Duration::from_secs(40);

/// How long to rest between two looks.
const PAUSE: Duration = Duration::from_millis(15);

/// Looks until `attempt` finds something, and fails the test when that takes far too long.
#[track_caller]
pub fn until<T>(awaited: &str, attempt: impl FnMut() -> Option<T>) -> T {
    within(DEADLINE, awaited, attempt)
}

/// Looks until `attempt` finds something, and fails the test when `limit` is over.
#[track_caller]
pub fn within<T>(limit: Duration, awaited: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    #[expect(clippy::disallowed_methods, reason = "a hanging program must fail the test, not hang it")]
    let now = Instant::now;
    let deadline = now() + limit;
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(now() < deadline, "waited {} s for {awaited}", limit.as_secs());
        std::thread::park_timeout(PAUSE);
    }
}
