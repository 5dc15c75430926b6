//! Files of full row groups become one by copying: nothing is decoded, the pages stay as they are.
//!
//! What it saves is files to open and to list; a record is copied once, at a hundredth of what writing it cost.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;
use std::sync::Arc;

use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

use super::Work;
use super::join::{FULL_ROWS_MIN, arrival_us};
use crate::change::Change;
use crate::error::StoreError;
use crate::file_meta::FileMeta;
use crate::file_writer::{PendingFile, remove_pending, sync_folder, write_filter};
use crate::filter::{FilterBuilder, GroupFilter};
use crate::read::guarded;
use crate::shared::Shared;
use crate::stored_file::{PENDING_FOLDER, SOURCES_MAX, StoredFile, pending_path};
use crate::view::{StoreFile, View};

/// Files that make a copy worth it, a number.
const FILES_MIN: usize = 8;

/// Records of a file that is made by copying: a gigabyte or so, which other tools like and which still goes
/// whole when its day does.
const ROWS_MAX: u64 = 4_000_000;

/// The copy that is due, if any.
pub(super) fn due(view: &View) -> Option<Work> {
    let mut by_day: BTreeMap<i32, Vec<&Arc<StoreFile>>> = BTreeMap::new();
    for file in view.files.iter().filter(|file| is_full_but_short(file)) {
        by_day.entry(file.stored.day).or_default().push(file);
    }
    by_day.values().find_map(|files| fitting(files)).map(Work::Copy)
}

/// Copies the row groups of all files into one, with their indexes and filters.
pub(super) fn perform(
    shared: &Arc<Shared>,
    files: &[Arc<StoreFile>],
    check: &dyn Fn() -> Result<(), StoreError>,
) -> Result<Change, StoreError> {
    let metas = files.iter().map(|file| file.meta()).collect::<Result<Vec<_>, _>>()?;
    let Some((first, rest)) = metas.split_first() else { return Ok(Change::default()) };
    let schema = first.arrow.parquet_schema().root_schema();
    if rest.iter().any(|meta| meta.arrow.parquet_schema().root_schema() != schema) {
        // Written by versions with other columns: sorted anew they get those of this one.
        return super::join::perform(shared, files, check);
    }
    let folder = &shared.options.folder;
    let id = shared.take_file_id();
    let path = pending_path(folder, id);
    let written = copy_row_groups(&path, files, &metas, check).and_then(|bytes| {
        let filter_bytes = write_filter(&joined_filter(&metas), &path)?;
        sync_folder(&folder.join(PENDING_FOLDER))?;
        Ok(bytes + filter_bytes)
    });
    let bytes = written.inspect_err(|_| remove_pending(&path))?;
    let stored = StoredFile { bytes, ..joined(id, files) };
    let removed = files.iter().map(|file| file.stored.id).collect();
    let file = PendingFile::new(stored, folder);
    Ok(Change { files: vec![file], removed, segments_gone: Vec::new() })
}

fn copy_row_groups(
    path: &Path,
    files: &[Arc<StoreFile>],
    metas: &[Arc<FileMeta>],
    check: &dyn Fn() -> Result<(), StoreError>,
) -> Result<u64, StoreError> {
    let writing = |error| StoreError::writing(path, error);
    let file = File::create(path).map_err(|error| StoreError::io("create", path, error))?;
    let footer = metas[0].arrow.metadata().file_metadata();
    let properties = WriterProperties::builder()
        .set_created_by("weir".to_owned())
        .set_key_value_metadata(footer.key_value_metadata().cloned())
        .build();
    let schema = footer.schema_descr().root_schema_ptr();
    let mut writer =
        SerializedFileWriter::new(BufWriter::new(file), schema, properties.into()).map_err(writing)?;
    for (file, meta) in files.iter().zip(metas) {
        let source = Source::open(file, meta).inspect_err(|error| file.report(error))?;
        for group in 0..meta.arrow.metadata().num_row_groups() {
            check()?;
            source.copy_row_group(group, &mut writer, path)?;
        }
    }
    let out = writer.into_inner().map_err(writing)?;
    let io = |error| StoreError::io("write", path, error);
    let file = out.into_inner().map_err(|error| io(error.into_error()))?;
    file.sync_all().map_err(io)?;
    Ok(file.metadata().map_err(io)?.len())
}

/// A file that is copied from.
struct Source<'f> {
    file: &'f StoreFile,
    meta: &'f FileMeta,
    input: File,
}

impl<'f> Source<'f> {
    fn open(file: &'f StoreFile, meta: &'f FileMeta) -> Result<Self, StoreError> {
        let input = File::open(&file.path).map_err(|error| StoreError::io("open", &file.path, error))?;
        let rows = meta.arrow.metadata().row_groups().iter().map(RowGroupMetaData::num_rows);
        if !rows.eq(file.stored.row_group_rows.iter().map(|&rows| i64::from(rows))) {
            let detail = "its row groups are not those that were written";
            return Err(StoreError::damaged(&file.path, &detail));
        }
        Ok(Self { file, meta, input })
    }

    /// Copies a row group to what is written at `path`. What is wrong with the file is noted, so that the next
    /// copy goes without it.
    fn copy_row_group(
        &self,
        group: usize,
        writer: &mut SerializedFileWriter<BufWriter<File>>,
        path: &Path,
    ) -> Result<(), StoreError> {
        let copied = guarded(|| Ok(self.append_row_group(group, writer)));
        let fault = match copied {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => self.fault(StoreError::writing(path, error))?,
            Err(detail) => StoreError::damaged(&self.file.path, &detail),
        };
        self.file.report(&fault);
        Err(fault)
    }

    fn append_row_group(
        &self,
        group: usize,
        writer: &mut SerializedFileWriter<BufWriter<File>>,
    ) -> Result<(), ParquetError> {
        let metadata = self.meta.arrow.metadata();
        let (row_group, pages) = (metadata.row_group(group), metadata.page_index_for_row_group(group));
        let mut out = writer.next_row_group()?;
        for (index, column) in row_group.columns().iter().enumerate() {
            let close = ColumnCloseResult {
                bytes_written: column.compressed_size() as u64,
                rows_written: row_group.num_rows() as u64,
                metadata: column.clone(),
                bloom_filter: None,
                column_index: pages.column_index(index).cloned(),
                offset_index: pages.offset_index(index).cloned(),
            };
            out.append_column(&self.input, close)?;
        }
        out.close().map(drop)
    }

    /// What of a failure to copy is this file's fault; the failure itself if none is.
    fn fault(&self, failure: StoreError) -> Result<StoreError, StoreError> {
        let path = &self.file.path;
        match failure {
            // All that is written was read here, so what does not fit together came from here.
            StoreError::Columns(detail) => Ok(StoreError::damaged(path, &detail)),
            // A place in the file that can be none, by its footer.
            StoreError::Io { source, .. } if source.kind() == io::ErrorKind::InvalidInput => {
                Ok(StoreError::damaged(path, &source))
            }
            // Read or written: the failure does not say which.
            StoreError::Io { .. } => {
                let read = File::open(path).and_then(|mut file| io::copy(&mut file, &mut io::sink()));
                read.map_or_else(|error| Ok(StoreError::io("read", path, error)), |_| Err(failure))
            }
            other => Err(other),
        }
    }
}

/// The filters behind one another; a damaged one becomes one that lets everything through.
fn joined_filter(metas: &[Arc<FileMeta>]) -> FilterBuilder {
    let mut joined = FilterBuilder::default();
    for meta in metas {
        for group in 0..meta.arrow.metadata().num_row_groups() {
            let copied = meta.filter.as_ref().and_then(|filter| filter.copy_group(group));
            joined.push(copied.unwrap_or_else(GroupFilter::letting_all_through));
        }
    }
    joined
}

fn joined(id: u64, files: &[Arc<StoreFile>]) -> StoredFile {
    let day = files.iter().map(|file| file.stored.day).min().unwrap_or_default();
    let mut joined = StoredFile::empty(id, day, arrival_us(files));
    for StoreFile { stored, .. } in files.iter().map(AsRef::as_ref) {
        joined.rows += stored.rows;
        joined.min_time_us = joined.min_time_us.min(stored.min_time_us);
        joined.max_time_us = joined.max_time_us.max(stored.max_time_us);
        joined.max_sequence = joined.max_sequence.max(stored.max_sequence);
        joined.sources.extend(stored.sources.iter().cloned());
        joined.sources_are_cut |= stored.sources_are_cut;
        joined.names.merge(&stored.names);
        joined.row_group_rows.extend(&stored.row_group_rows);
    }
    joined.sources.sort();
    joined.sources.dedup();
    joined.sources_are_cut |= joined.sources.len() > SOURCES_MAX;
    joined.sources.truncate(SOURCES_MAX);
    joined
}

fn is_full_but_short(file: &StoreFile) -> bool {
    let is_full = file.stored.row_group_rows.iter().all(|&rows| rows >= FULL_ROWS_MIN);
    is_full && file.stored.rows <= ROWS_MAX / 2 && !file.is_damaged()
}

/// The files that fit into one, the shortest first, so that long ones never stand in their way; `None` where they
/// are too few.
fn fitting(files: &[&Arc<StoreFile>]) -> Option<Vec<Arc<StoreFile>>> {
    let mut shortest_first = files.to_vec();
    shortest_first.sort_by_key(|file| file.stored.rows);
    let mut rows = 0;
    let fits = |file: &&&Arc<StoreFile>| {
        rows += file.stored.rows;
        rows <= ROWS_MAX
    };
    let mut taken: Vec<Arc<StoreFile>> =
        shortest_first.iter().take_while(fits).map(|file| Arc::clone(file)).collect();
    taken.sort_by_key(|file| file.stored.id);
    (taken.len() >= FILES_MIN).then_some(taken)
}
