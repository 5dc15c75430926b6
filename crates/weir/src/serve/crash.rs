//! Crashes on purpose, for tests.
//!
//! That nothing is lost or counted twice is claimed for a crash at any moment, so a test must be able to
//! choose the moment. `WEIR_CRASH_AT=written:3` ends the process by SIGKILL when it passes the step `written`
//! for the third time. Programs that are built for use do not have it.

/// The place of a step in the commit.
#[cfg(not(debug_assertions))]
#[inline]
pub fn here(_step: &'static str) {}

/// The place of a step in the commit.
#[cfg(debug_assertions)]
pub fn here(step: &'static str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static WANTED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);
    #[expect(clippy::disallowed_methods, reason = "a switch of tests, which no config should know")]
    let wanted = WANTED.get_or_init(|| {
        let wanted = std::env::var("WEIR_CRASH_AT").ok()?;
        let (step, times) = wanted.split_once(':')?;
        Some((step.to_owned(), times.parse().ok()?))
    });
    let Some((name, times)) = wanted else { return };
    if name == step && PASSED.fetch_add(1, Ordering::Relaxed) + 1 == *times {
        let own_id = std::process::id().to_string();
        // Not `abort`: nothing of the process may run any more, no handler and no destructor.
        let _ = std::process::Command::new("kill").args(["-9", &own_id]).status();
    }
}
