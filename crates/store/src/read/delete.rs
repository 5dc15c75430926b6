//! Deletes what a query finds, so that the bytes are gone and not only hidden.
//!
//! Each file with a match is written anew without it and the old one is removed; a mark beside the file would be
//! quicker and would leave an e-mail address on the disk. Like every other work it changes nothing until the
//! ledger has committed it. What is in memory has to be rolled before ([`Store::force_roll`]).

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::{BooleanArray, RecordBatch};
use arrow_buffer::BooleanBuffer;
use arrow_select::concat::concat_batches;
use arrow_select::filter::filter_record_batch;
use weir_query::Predicate;
use weir_record::Timestamp;

use super::cancel::Cancel;
use super::evaluate::Evaluator;
use super::failure::QueryFailure;
use super::fields::matching_rows;
use super::request::Limits;
use super::scan::{Scan, Units};
use super::search::predicate_fields;
use super::unit::{ReadFailure, Source, Unit, WantedFields};
use crate::change::Change;
use crate::error::StoreError;
use crate::file_writer::FileWriter;
use crate::schema::{complete, schema};
use crate::store::Store;
use crate::view::{StoreFile, View};

/// A deletion that waits for the ledger, and what it does.
#[derive(Debug, Default)]
pub struct Deletion {
    /// What the ledger is to commit and [`Store::apply`] then applies.
    pub change: Change,
    /// Records that are deleted.
    pub records_deleted: u64,
    /// Files that are written anew or removed as a whole.
    pub files_rewritten: u64,
    /// Bytes of the files that go, less those of the files that come.
    pub bytes_freed: u64,
    /// Files that could not be read, each with its reason: what they hold stays.
    pub problems: Vec<String>,
}

/// The files that a deletion is about.
pub(crate) struct Matches {
    files: Vec<Arc<StoreFile>>,
    problems: Vec<String>,
}

impl View {
    /// Which files have a record that matches. Records in memory are not looked at.
    pub(crate) fn files_with_matches(
        &self,
        predicate: &Predicate,
        span: Range<Timestamp>,
        limits: &Limits,
        cancel: &Cancel,
    ) -> Result<Matches, QueryFailure> {
        let scan = Scan::new(predicate, span, limits, cancel);
        let files = View { segments: Vec::new(), files: self.files.clone() };
        let Units { units, mut problems } = scan.units(&files)?;
        let wanted = predicate_fields(&scan).with(["@timestamp"]);
        let start = || (Evaluator::new(predicate), BTreeSet::new());
        let (found, more_problems) = scan.run(&units, start, |(evaluator, ids), _, unit| {
            let Source::RowGroup { file, .. } = &unit.source else {
                return Ok(());
            };
            unit.read(&wanted, &unit.ranges, cancel, &mut |batch, _| {
                if matching_rows(evaluator, &scan, unit, batch).has_true() {
                    ids.insert(file.stored.id);
                }
                Ok::<(), ReadFailure>(())
            })
        })?;
        problems.extend(more_problems);
        let ids: BTreeSet<u64> = found.into_iter().flat_map(|(_, ids)| ids).collect();
        let files = self.files.iter().filter(|file| ids.contains(&file.stored.id)).cloned().collect();
        Ok(Matches { files, problems })
    }
}

impl Store {
    /// Writes the files that have a record of `predicate` in `span` without those records. Nothing is gone before
    /// the change is committed and applied; records in memory stay, and have to be rolled before.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a file cannot be written, or if `cancel` says stop; nothing is left then.
    pub fn delete(
        &self,
        predicate: &Predicate,
        span: Range<Timestamp>,
        limits: &Limits,
        cancel: &Cancel,
    ) -> Result<Deletion, StoreError> {
        let view = self.view();
        let found = view.files_with_matches(predicate, span.clone(), limits, cancel);
        let Matches { files, problems } = found.map_err(|_| StoreError::Stopped)?;
        let mut deletion = Deletion { problems, ..Deletion::default() };
        for file in files {
            match self.rewrite(&file, predicate, &span, cancel, &mut deletion.change) {
                Ok(deleted) => {
                    deletion.records_deleted += deleted;
                    deletion.files_rewritten += 1;
                    deletion.bytes_freed += file.stored.bytes;
                }
                Err(Rewriting::Store(error)) => return Err(error),
                Err(Rewriting::File(problem)) => deletion.problems.push(problem),
            }
        }
        let added: u64 = deletion.change.files.iter().map(|file| file.stored.bytes).sum();
        deletion.bytes_freed = deletion.bytes_freed.saturating_sub(added);
        Ok(deletion)
    }

    /// Writes one file without the matches; gives how many records that leaves out.
    fn rewrite(
        &self,
        file: &Arc<StoreFile>,
        predicate: &Predicate,
        span: &Range<Timestamp>,
        cancel: &Cancel,
        change: &mut Change,
    ) -> Result<u64, Rewriting> {
        let meta = file.meta()?;
        let shared = &self.shared;
        let mut writer: Option<FileWriter> = None;
        let mut deleted = 0;
        for index in 0..meta.arrow.metadata().num_row_groups() {
            let unit = Unit::whole_row_group(file, &meta, index);
            let kept = kept_rows(&unit, predicate, span, cancel)?;
            deleted += unit.rows() as u64 - kept.num_rows() as u64;
            if kept.num_rows() == 0 {
                continue;
            }
            let writer = match &mut writer {
                Some(writer) => writer,
                None => writer.insert(shared.create_file(file.stored.day, Some(file.stored.created_at_us))?),
            };
            writer.write(&kept, &file.stored.names)?;
        }
        change.files.extend(writer.map(FileWriter::finish).transpose()?);
        change.removed.push(file.stored.id);
        Ok(deleted)
    }
}

/// Why a file was not written anew.
enum Rewriting {
    /// Nothing more can be written.
    Store(StoreError),
    /// This file cannot be read.
    File(String),
}

impl From<StoreError> for Rewriting {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Damaged { .. } => Self::File(error.to_string()),
            other => Self::Store(other),
        }
    }
}

impl From<ReadFailure> for Rewriting {
    fn from(failure: ReadFailure) -> Self {
        match failure {
            ReadFailure::Query(_) => Self::Store(StoreError::Stopped),
            ReadFailure::File(problem) => Self::File(problem),
        }
    }
}

/// The rows of a row group that do not match, or lie outside the span.
fn kept_rows(
    unit: &Unit,
    predicate: &Predicate,
    span: &Range<Timestamp>,
    cancel: &Cancel,
) -> Result<RecordBatch, Rewriting> {
    let limits = Limits { threads: 1, ..Limits::default() };
    let scan = Scan { predicate, span: span.clone(), limits: &limits, cancel };
    let mut evaluator = Evaluator::new(predicate);
    let mut batches = Vec::new();
    let mut fault = None;
    unit.read(&WantedFields::all(), &unit.ranges, cancel, &mut |batch, _| {
        let matching: BooleanBuffer = matching_rows(&mut evaluator, &scan, unit, batch);
        let kept = BooleanArray::new(!&matching, None);
        match filter_record_batch(batch, &kept).and_then(|kept| complete(&kept)) {
            Ok(kept) => batches.push(kept),
            Err(error) => fault = Some(StoreError::from(error)),
        }
        Ok(())
    })?;
    match fault {
        Some(error) => Err(error.into()),
        None => Ok(concat_batches(&schema(), &batches).map_err(StoreError::from)?),
    }
}
