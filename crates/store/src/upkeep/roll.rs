//! What is in memory becomes files.

use std::sync::Arc;

use arrow_array::RecordBatch;

use crate::change::Change;
use crate::day_files::DayFiles;
use crate::error::StoreError;
use crate::rows::FieldNames;
use crate::shared::Shared;
use crate::view::Segment;

/// Writes the records of segments, which are sealed, to files by event day.
pub(super) fn perform(
    shared: &Arc<Shared>,
    segments: &[Arc<Segment>],
    check: &dyn Fn() -> Result<(), StoreError>,
) -> Result<Change, StoreError> {
    let parts = || segments.iter().flat_map(|segment| &segment.rows);
    let mut names = FieldNames::default();
    parts().for_each(|rows| names.merge(&rows.names));
    let batches: Vec<&RecordBatch> = parts().map(|rows| &rows.batch).collect();
    let mut files = DayFiles::new(shared);
    files.write_merged(&batches, &names, check)?;
    Ok(Change {
        files: files.finish()?,
        removed: Vec::new(),
        segments_gone: segments.iter().map(|segment| segment.number).collect(),
    })
}
