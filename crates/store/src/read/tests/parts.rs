//! A view of random records, some in memory and some in files.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use weir_record::Timestamp;

use super::records::{START_US, TestRecord, numbered, rows_of};
use crate::file_meta::MetaCache;
use crate::file_writer::FileWriter;
use crate::problems::Problems;
use crate::read::Cursor;
use crate::stored_file::{PENDING_FOLDER, pending_path};
use crate::{Rows, Segment, SequenceNumbers, StoreFile, View};

/// Records in memory and in files, and what they are.
pub(crate) struct Parts {
    pub view: View,
    /// Every record and its place.
    pub records: Vec<(Cursor, TestRecord)>,
    _folder: tempfile::TempDir,
}

impl Parts {
    /// A part per list of records; with `true` it is in a file.
    pub(crate) fn new(parts: &[(bool, Vec<TestRecord>)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join(PENDING_FOLDER)).expect("a folder");
        let numbers = SequenceNumbers::starting_at(0);
        let cache = Arc::new(MetaCache::default());
        let mut records = Vec::new();
        let mut view = View::default();
        for (id, (is_file, part)) in (0..).zip(parts) {
            records.extend(placed(part, &SequenceNumbers::starting_at(numbers.next())));
            let rows = rows_of(part, &numbers);
            if *is_file {
                view.files.push(file_of(&rows, id, folder.path(), &cache));
            } else {
                view.segments.push(Arc::new(Segment { number: id, rows: vec![rows] }));
            }
        }
        Self { view, records, _folder: folder }
    }
}

/// The records with the places that they get.
pub(crate) fn placed(records: &[TestRecord], numbers: &SequenceNumbers) -> Vec<(Cursor, TestRecord)> {
    let first = numbers.take(records.len());
    let place = |(sequence, record): (i64, TestRecord)| (Cursor { time: record.time, sequence }, record);
    (first..).zip(numbered(records)).map(place).collect()
}

/// From minute `from` of the random records to minute `to`.
pub(crate) fn span_of(from: i64, to: i64) -> Range<Timestamp> {
    let minute = |minute: i64| Timestamp::from_micros(START_US + minute * 60_000_000);
    minute(from)..minute(to)
}

fn file_of(rows: &Rows, id: u64, folder: &Path, cache: &Arc<MetaCache>) -> Arc<StoreFile> {
    let mut writer = FileWriter::create(folder, id, 0, 0).expect("a file");
    writer.write(&rows.batch, &rows.names).expect("written");
    let pending = writer.finish().expect("written");
    pending.leave_to_ledger();
    let path = pending_path(folder, id);
    StoreFile::new(pending.stored.clone(), path, cache, &Problems::default())
}
