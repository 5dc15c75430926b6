//! The wall clock, for messages that say no time of their own.

use std::time::SystemTime;

use weir_record::Timestamp;

/// The time now.
pub(crate) fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "when a message came is told by the real clock")]
    let now = SystemTime::now();
    let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}
