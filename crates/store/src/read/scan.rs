//! The pieces that a query must look at, and the threads that do.
//!
//! What cannot match is left out before anything is opened: files by day and time, row groups and granules by
//! their statistics and filters. The rest is a list that threads take from one after the other, so that a slow
//! piece holds up nobody, and a query of one piece starts no thread at all.

use std::iter;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use weir_query::Predicate;
use weir_record::Timestamp;

use super::cancel::Cancel;
use super::failure::QueryFailure;
use super::prune::{Pruning, may_match_names};
use super::request::{Limits, THREADS_MAX};
use super::unit::{ReadFailure, Source, Unit, granule_ranges};
use crate::filter::GRANULE_ROWS;
use crate::{Rows, StoreFile, View};

/// The most problems that an answer names; each is a damaged file, and one look at the first ones is enough.
const PROBLEMS_MAX: usize = 20;

/// What is asked, as far as all kinds of queries have it in common.
#[derive(Clone)]
pub(crate) struct Scan<'a> {
    pub predicate: &'a Predicate,
    pub span: Range<Timestamp>,
    pub limits: &'a Limits,
    pub cancel: &'a Cancel,
}

/// The pieces of a scan, and the files that could not be looked into.
#[derive(Default)]
pub(crate) struct Units {
    pub units: Vec<Unit>,
    pub problems: Vec<String>,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(
        predicate: &'a Predicate,
        span: Range<Timestamp>,
        limits: &'a Limits,
        cancel: &'a Cancel,
    ) -> Self {
        let (first, last) = predicate.time_range();
        let from = first.map_or(span.start, |first| first.max(span.start));
        // The predicate's own bound is inclusive.
        let to = last.map_or(span.end, |last| last.plus_micros(1).min(span.end));
        Self { predicate, span: from..to, limits, cancel }
    }

    /// What of `view` may match.
    pub(crate) fn units(&self, view: &View) -> Result<Units, QueryFailure> {
        let mut found = Units::default();
        for rows in view.segments.iter().flat_map(|segment| &segment.rows) {
            found.units.extend(self.unit_of_rows(rows));
        }
        for file in &view.files {
            self.cancel.check()?;
            self.add_file(file, &mut found);
        }
        Ok(found)
    }

    /// The rows as a piece, unless they cannot match.
    pub(crate) fn unit_of_rows(&self, rows: &Arc<Rows>) -> Option<Unit> {
        let (min_time, max_time) = (rows.min_time_us, rows.max_time_us);
        if rows.is_empty() || !self.overlaps(min_time, max_time) {
            return None;
        }
        let times = rows.times_us();
        // The rows are sorted, so the span is a slice of them.
        let start = times.partition_point(|&time| time < self.span.start.micros());
        let end = times.partition_point(|&time| time < self.span.end.micros());
        let source = Source::Memory(Arc::clone(rows));
        (start < end).then(|| Unit {
            source,
            ranges: iter::once(start..end).collect(),
            min_time: times[start],
            max_time: times[end - 1],
            is_inside_span: true,
        })
    }

    fn add_file(&self, file: &Arc<StoreFile>, found: &mut Units) {
        let stored = &file.stored;
        if !self.overlaps(stored.min_time_us, stored.max_time_us) || !may_match_names(self.predicate, stored)
        {
            return;
        }
        match file.meta() {
            Ok(meta) => {
                let is_in_maps = |name: &str| stored.names.may_have(name);
                let pruning = Pruning::new(self.predicate, &self.span, &meta, &is_in_maps);
                for index in 0..meta.arrow.metadata().num_row_groups() {
                    let row_group = pruning.row_group(index);
                    if row_group.granules == 0 {
                        continue;
                    }
                    let (min_time, max_time) = row_group.times;
                    found.units.push(Unit {
                        ranges: granule_ranges(row_group.granules, GRANULE_ROWS, row_group.rows),
                        min_time,
                        max_time,
                        is_inside_span: self.span.start.micros() <= min_time
                            && max_time < self.span.end.micros(),
                        source: Source::RowGroup { file: Arc::clone(file), meta: Arc::clone(&meta), index },
                    });
                }
            }
            Err(error) => found.add_problem(error.to_string()),
        }
    }

    fn overlaps(&self, min_time_us: i64, max_time_us: i64) -> bool {
        self.span.start.micros() <= max_time_us && min_time_us < self.span.end.micros()
    }

    /// Hands every item to one of several threads, each with a state of its own from `start`; gives the states
    /// and the problems of files. Items are begun in their order.
    pub(crate) fn run<T: Sync, S: Send>(
        &self,
        items: &[T],
        start: impl Fn() -> S + Sync,
        take: impl Fn(&mut S, usize, &T) -> Result<(), ReadFailure> + Sync,
    ) -> Result<(Vec<S>, Vec<String>), QueryFailure> {
        let next = AtomicUsize::new(0);
        let problems = Mutex::new(Units::default());
        let work = || -> Result<S, QueryFailure> {
            let mut state = start();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(item) = items.get(index) else {
                    return Ok(state);
                };
                match self
                    .cancel
                    .check()
                    .map_err(ReadFailure::from)
                    .and_then(|()| take(&mut state, index, item))
                {
                    Ok(()) => {}
                    Err(ReadFailure::File(problem)) => {
                        problems.lock().unwrap_or_else(PoisonError::into_inner).add_problem(problem);
                    }
                    Err(ReadFailure::Query(failure)) => {
                        // The others find nothing more to do.
                        next.store(items.len(), Ordering::Relaxed);
                        return Err(failure);
                    }
                }
            }
        };
        let threads = self.limits.threads.clamp(1, THREADS_MAX).min(items.len().max(1));
        let states = thread::scope(|scope| {
            // Where the system has no thread left, the others do all of the work.
            let begin = |_| thread::Builder::new().name("query".to_owned()).spawn_scoped(scope, work).ok();
            let others: Vec<_> = (1..threads).filter_map(begin).collect();
            let own = work();
            let joined = others
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            iter::once(own).chain(joined).collect::<Result<Vec<S>, _>>()
        })?;
        Ok((states, problems.into_inner().unwrap_or_else(PoisonError::into_inner).problems))
    }
}

impl Units {
    pub(crate) fn add_problem(&mut self, problem: String) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }
}

/// Counts what the threads of a query gather.
pub(crate) struct Gathered {
    bytes: AtomicUsize,
    bytes_max: usize,
}

impl Gathered {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { bytes: AtomicUsize::new(0), bytes_max: limits.memory_bytes_max }
    }

    /// Notes `bytes` more.
    pub(crate) fn add(&self, bytes: usize) -> Result<(), QueryFailure> {
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.bytes_max {
            return Err(QueryFailure::TooMuchMemory { memory_bytes_max: self.bytes_max });
        }
        Ok(())
    }

    /// Notes that `bytes` are free again.
    pub(crate) fn remove(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}
