//! The same questions over rows that are handed in one after the other: plain files without a store, and the
//! stream before it.
//!
//! Nothing is kept of the rows but what is in the answer so far, so a folder of any size is searched in the
//! memory of one batch and one answer.

use std::ops::Range;

use arrow_array::RecordBatch;
use arrow_buffer::BooleanBuffer;
use weir_query::Predicate;
use weir_record::Timestamp;

use super::best::{Direction, Rank};
use super::cancel::Cancel;
use super::evaluate::{Evaluator, in_span};
use super::failure::QueryFailure;
use super::hit::{HitColumns, hit_bytes};
use super::request::{Found, Hit, Limits, SearchRequest};
use super::scan::Gathered;
use crate::Rows;

/// A bit per row: whether the predicate matches it.
pub fn select(predicate: &Predicate, rows: &Rows) -> BooleanBuffer {
    Evaluator::new(predicate).evaluate(&rows.batch, &|name| rows.names.may_have(name))
}

/// The rows that match and lie in the span.
pub(crate) fn matching_in_span(
    evaluator: &mut Evaluator<'_>,
    span: &Range<Timestamp>,
    rows: &Rows,
) -> BooleanBuffer {
    let matching = evaluator.evaluate(&rows.batch, &|name| rows.names.may_have(name));
    in_span(&rows.batch, span, matching)
}

/// A search over rows that are handed in.
pub struct BatchSearch<'r> {
    request: &'r SearchRequest,
    evaluator: Evaluator<'r>,
    direction: Direction,
    hits: Vec<(Rank, Hit)>,
    /// The worst rank that is still wanted, once there are enough.
    worst: Option<Rank>,
    total: u64,
    gathered: Gathered,
    cancel: Cancel,
}

impl<'r> BatchSearch<'r> {
    /// A search that has seen nothing yet.
    pub fn new(request: &'r SearchRequest, limits: &Limits, cancel: &Cancel) -> Self {
        Self {
            request,
            evaluator: Evaluator::new(&request.predicate),
            direction: Direction { is_oldest_first: request.is_oldest_first },
            hits: Vec::new(),
            worst: None,
            total: 0,
            gathered: Gathered::new(limits),
            cancel: cancel.clone(),
        }
    }

    /// Looks at more rows. Their arrival numbers must be others than those of all rows before.
    ///
    /// # Errors
    ///
    /// [`QueryFailure`] if the search is stopped or would gather more than it may.
    pub fn take(&mut self, rows: &Rows) -> Result<(), QueryFailure> {
        self.cancel.check()?;
        let span = self.request.span();
        let matching = matching_in_span(&mut self.evaluator, &span, rows);
        self.total += matching.count_set_bits() as u64;
        if self.wanted() > 0 {
            self.add_hits(&rows.batch, rows, &matching)?;
        }
        Ok(())
    }

    /// How many records match so far.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The answer.
    pub fn finish(mut self) -> Found {
        self.hits.sort_unstable_by_key(|(rank, _)| *rank);
        let has_more = self.hits.len() > self.request.limit;
        self.hits.truncate(self.request.limit);
        let hits: Vec<Hit> = self.hits.into_iter().map(|(_, hit)| hit).collect();
        let cursor = hits.last().filter(|_| has_more).map(Hit::cursor);
        Found { hits, total: self.request.with_total.then_some(self.total), cursor, problems: Vec::new() }
    }

    /// One more than asked for, which tells whether there is more.
    fn wanted(&self) -> usize {
        if self.request.limit == 0 { 0 } else { self.request.limit.saturating_add(1) }
    }

    fn add_hits(
        &mut self,
        batch: &RecordBatch,
        rows: &Rows,
        matching: &BooleanBuffer,
    ) -> Result<(), QueryFailure> {
        let after = self.request.after.map(|cursor| self.direction.rank(cursor));
        let (times, sequences) = (rows.times_us(), rows.sequences());
        let rank_of =
            |row: usize| Rank(self.direction.rank_of(times[row]), self.direction.rank_of(sequences[row]));
        let mut ranked: Vec<(Rank, usize)> = matching
            .set_indices()
            .map(|row| (rank_of(row), row))
            .filter(|(rank, _)| after.is_none_or(|after| *rank > after))
            .filter(|(rank, _)| self.worst.is_none_or(|worst| *rank < worst))
            .collect();
        ranked.sort_unstable();
        ranked.truncate(self.wanted());
        let columns = HitColumns::of(batch, self.request.fields.as_deref());
        for (rank, row) in ranked {
            let hit = columns.hit(row);
            self.gathered.add(hit_bytes(&hit))?;
            self.hits.push((rank, hit));
        }
        self.drop_unwanted();
        Ok(())
    }

    fn drop_unwanted(&mut self) {
        let wanted = self.wanted();
        if self.hits.len() < wanted {
            return;
        }
        let (_, worst, _) = self.hits.select_nth_unstable_by_key(wanted - 1, |(rank, _)| *rank);
        self.worst = Some(worst.0);
        for (_, hit) in self.hits.drain(wanted..) {
            self.gathered.remove(hit_bytes(&hit));
        }
    }
}
