//! When something came.
//!
//! The one place outside the sources of S3 that reads the clock, so that it is plain where time enters: from here on
//! it is an argument.

use std::time::UNIX_EPOCH;

use weir_record::Timestamp;

/// The time now.
pub(crate) fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "when something came is told by the real clock")]
    let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
