//! `store`: how long records are kept, and on how much of the disk.
//!
//! Three bounds, of which only the first two delete: age and size take whole days or files, oldest first. Room
//! that is left on the disk is the third, and only stops intake, since what nobody asked to delete is not
//! deleted to make room for something else.

use std::time::Duration;

use super::byte_size::ByteSize;
use super::error::ConfigError;
use super::keys;
use super::reader::Field;

/// Days are deleted whole; ten years is for ever.
const RETENTION_RANGE: (Duration, Duration) =
    (Duration::from_secs(24 * 3600), Duration::from_secs(10 * 365 * 24 * 3600));

/// Less would not hold one file and the one that it is joined into; the most is larger than any disk.
const DISK_BYTES_RANGE: (ByteSize, ByteSize) = (ByteSize(100_000_000), ByteSize(1 << 50));

/// From none to more than any disk.
const FREE_BYTES_RANGE: (ByteSize, ByteSize) = (ByteSize(0), ByteSize(1 << 50));

/// What is kept of records, and how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// How long a record is kept, from its own time, or from its arrival while that time is more than a day ahead.
    pub retention: Duration,
    /// The most that records take on disk; beyond it the oldest go. `None` for no bound.
    pub disk_bytes_max: Option<u64>,
    /// What is left free on the disk; with less nothing is taken in.
    pub free_bytes_min: u64,
    /// Whether the line itself is kept beside its fields.
    pub is_raw_kept: bool,
}

impl Default for Store {
    /// 30 days, as much as there is but for 1 GB, without the lines themselves.
    fn default() -> Self {
        Self {
            retention: Duration::from_secs(30 * 24 * 3600),
            disk_bytes_max: None,
            free_bytes_min: 1_000_000_000,
            is_raw_kept: false,
        }
    }
}

/// Reads the section.
pub fn read(field: Field, errors: &mut Vec<ConfigError>) -> Store {
    let default = Store::default();
    let Some(fields) = field.fields(&keys::STORE, errors) else {
        return default;
    };
    let retention = fields.get("retention").and_then(|field| field.duration("30d", RETENTION_RANGE, errors));
    let max_disk = fields.get("max_disk").and_then(|field| field.size(DISK_BYTES_RANGE, errors));
    let min_free_disk = fields.get("min_free_disk").and_then(|field| field.size(FREE_BYTES_RANGE, errors));
    let keep_raw = fields.get("keep_raw").and_then(|field| field.boolean(errors));
    Store {
        retention: retention.unwrap_or(default.retention),
        disk_bytes_max: max_disk,
        free_bytes_min: min_free_disk.unwrap_or(default.free_bytes_min),
        is_raw_kept: keep_raw.unwrap_or(default.is_raw_kept),
    }
}
