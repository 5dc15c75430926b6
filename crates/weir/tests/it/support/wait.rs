//! Waiting for an event, never for a time.

use std::net::TcpListener;
use std::time::{Duration, Instant};

/// Far more than anything here takes, for a machine that is busy with other tests.
const DEADLINE: Duration = Duration::from_secs(60);

/// How long to rest between two looks.
const PAUSE: Duration = Duration::from_millis(15);

/// Looks until `attempt` finds something, and fails the test after a minute.
#[track_caller]
pub fn until<T>(awaited: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    #[expect(clippy::disallowed_methods, reason = "a hanging program must fail the test, not hang it")]
    let now = Instant::now;
    let deadline = now() + DEADLINE;
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(now() < deadline, "waited {} s for {awaited}", DEADLINE.as_secs());
        std::thread::park_timeout(PAUSE);
    }
}

/// A port that is free now, for servers that cannot be told to choose one and say which.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
