//! The one place where the time is read.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use weir_record::Timestamp;

/// The time now.
pub fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "everything else is given the time as an argument")]
    let now = SystemTime::now();
    timestamp(now)
}

/// A time of the operating system, as that of a file; before 1970 it is 1970.
pub fn timestamp(time: SystemTime) -> Timestamp {
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}

/// A moment by which durations are measured.
pub fn monotonic() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "the one place where durations begin")]
    Instant::now()
}
