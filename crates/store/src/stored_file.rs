//! What the ledger knows of a file: enough to open the store and to pass over a file without opening it.
//!
//! Kept with the list of files rather than read from their footers, because a year of them would make a start
//! read thousands of files before the first answer. All of it is bounded.

use std::path::{Path, PathBuf};

use crate::rows::FieldNames;

/// The most sources that are known of a file, a number; beyond it any source may be there.
pub const SOURCES_MAX: usize = 100;

const MICROS_PER_DAY: i64 = 86_400 * 1_000_000;

/// How far ahead of the clock a record's time is believed, in microseconds: a day, as where minutes are counted.
const AHEAD_US: i64 = MICROS_PER_DAY;

/// A file of the store, as the ledger lists it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StoredFile {
    /// Its number, unique for the life of the data folder; also its name.
    pub id: u64,
    /// The event day whose folder it is in, in days since 1970-01-01: that of its earliest record.
    pub day: i32,
    /// How many records it holds.
    pub rows: u64,
    /// Bytes on the disk, with its filter.
    pub bytes: u64,
    /// The earliest event time, in microseconds since the epoch.
    pub min_time_us: i64,
    /// The latest event time, in microseconds since the epoch.
    pub max_time_us: i64,
    /// The greatest arrival number.
    pub max_sequence: i64,
    /// The sources of its records, [`SOURCES_MAX`] at most.
    pub sources: Vec<Box<str>>,
    /// Whether there were more.
    pub sources_are_cut: bool,
    /// The fields without a column that it holds.
    pub names: FieldNames,
    /// Rows in each of its row groups.
    pub row_group_rows: Vec<u32>,
    /// When the youngest of its records first stood in a file, as far as the store was told, in microseconds since
    /// the epoch: files that are written anew keep it, since retention may go by it.
    pub created_at_us: i64,
}

impl StoredFile {
    /// One without records yet.
    pub(crate) fn empty(id: u64, day: i32, created_at_us: i64) -> Self {
        Self {
            id,
            day,
            rows: 0,
            bytes: 0,
            min_time_us: i64::MAX,
            max_time_us: i64::MIN,
            max_sequence: i64::MIN,
            sources: Vec::new(),
            sources_are_cut: false,
            names: FieldNames::default(),
            row_group_rows: Vec::new(),
            created_at_us,
        }
    }

    /// Whether records of this source may be in it.
    pub fn may_have_source(&self, source: &str) -> bool {
        self.sources_are_cut || self.sources.iter().any(|known| **known == *source)
    }

    /// The moment from which its age counts, in microseconds since the epoch: the time of its latest record, or its
    /// arrival while that time is too far ahead of `now_us`.
    ///
    /// The clock of now decides and not that of its arrival, which may have been one that began at 1970.
    pub(crate) fn age_from_us(&self, now_us: i64) -> i64 {
        let is_believed = self.max_time_us <= now_us.saturating_add(AHEAD_US);
        if is_believed { self.max_time_us } else { self.created_at_us }
    }

    /// Its path in the folder of the store.
    pub fn path(&self, folder: &Path) -> PathBuf {
        folder.join(format!("day={}", day_name(self.day))).join(file_name(self.id))
    }

    /// Its path once it turned out that its footer makes no sense.
    pub(crate) fn damaged_path(&self, folder: &Path) -> PathBuf {
        folder.join(DAMAGED_FOLDER).join(file_name(self.id))
    }

    /// Its path before it is committed.
    pub(crate) fn pending_path(&self, folder: &Path) -> PathBuf {
        pending_path(folder, self.id)
    }
}

/// Where the file with this number is written.
pub(crate) fn pending_path(folder: &Path, id: u64) -> PathBuf {
    folder.join(PENDING_FOLDER).join(file_name(id))
}

/// The folder of files that are not committed.
pub(crate) const PENDING_FOLDER: &str = "pending";

/// The folder of what can't be read: files, and copies of segments. Nothing in it that is not listed is deleted.
pub(crate) const DAMAGED_FOLDER: &str = "damaged";

/// The filter's path beside a file's.
pub fn filter_path(path: &Path) -> PathBuf {
    path.with_extension("filter")
}

/// The event day of a moment, in days since 1970-01-01 UTC.
pub(crate) fn day_of(time_us: i64) -> i32 {
    // A time of the schema lies within 300,000 years, so the days fit.
    time_us.div_euclid(MICROS_PER_DAY) as i32
}

/// The first moment of the day after, in microseconds since the epoch.
pub(crate) fn day_end_us(day: i32) -> i64 {
    (i64::from(day) + 1).saturating_mul(MICROS_PER_DAY)
}

fn file_name(id: u64) -> String {
    format!("{id:016x}.parquet")
}

/// `2026-11-20`.
pub(crate) fn day_name(day: i32) -> String {
    let start = weir_record::Timestamp::from_micros(i64::from(day).saturating_mul(MICROS_PER_DAY));
    let mut name = start.to_string();
    name.truncate(name.find('T').unwrap_or(name.len()));
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_named_by_its_date() {
        for (time_us, name, end_us) in [
            (0, "1970-01-01", MICROS_PER_DAY),
            (MICROS_PER_DAY - 1, "1970-01-01", MICROS_PER_DAY),
            (-1, "1969-12-31", 0),
            (1_795_169_730_000_000, "2026-11-20", 1_795_219_200_000_000),
        ] {
            let day = day_of(time_us);
            assert_eq!((day_name(day).as_str(), day_end_us(day)), (name, end_us));
        }
    }
}
