//! Figures of groups of records.
//!
//! Each thread fills groups of its own from the columns it needs, and they are merged at the end: no lock is taken
//! per record, at the price of each thread's having the groups once.

use weir_query::{Aggregation, Answer, Groups};

use super::cancel::Cancel;
use super::evaluate::Evaluator;
use super::failure::QueryFailure;
use super::fields::matching_rows;
use super::grouping::{Grouping, aggregation_fields};
use super::over_rows::matching_in_span;
use super::request::{AggregateRequest, Limits};
use super::scan::{Gathered, Scan, Units};
use super::search::predicate_fields;
use super::unit::ReadFailure;
use crate::{Rows, View};

/// The answer to an [`AggregateRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregated {
    /// The rows, and how exact they are.
    pub answer: Answer,
    /// Files that could not be read, each with its reason: some or all of their records are missing.
    pub problems: Vec<String>,
}

/// What one thread has gathered, and how much of it was noted.
struct Share<'p> {
    evaluator: Evaluator<'p>,
    grouping: Grouping,
    noted_bytes: usize,
}

impl View {
    /// The groups of the records that match, and their figures.
    ///
    /// # Errors
    ///
    /// [`QueryFailure`] if the query is stopped or would gather more than it may.
    pub fn aggregate(
        &self,
        request: &AggregateRequest,
        limits: &Limits,
        cancel: &Cancel,
    ) -> Result<Aggregated, QueryFailure> {
        let scan = Scan::new(&request.predicate, request.from..request.to, limits, cancel);
        let Units { units, mut problems } = scan.units(self)?;
        let gathered = Gathered::new(limits);
        let wanted = predicate_fields(&scan).with(aggregation_fields(&request.aggregation).fields);
        let start = || Share {
            evaluator: Evaluator::new(scan.predicate),
            grouping: Grouping::new(&request.aggregation),
            noted_bytes: 0,
        };
        let (shares, more_problems) = scan.run(&units, start, |share, _, unit| {
            let wanted = if unit.is_inside_span { wanted.clone() } else { wanted.with(["@timestamp"]) };
            unit.read(&wanted, &unit.ranges, cancel, &mut |batch, _| {
                let matching = matching_rows(&mut share.evaluator, &scan, unit, batch);
                share.grouping.take(batch, &|name| unit.is_in_maps(name), &matching);
                Ok::<(), ReadFailure>(())
            })?;
            share.note(&gathered)?;
            Ok(())
        })?;
        problems.extend(more_problems);
        let groups = merged(shares.into_iter().map(|share| share.grouping.into_groups()));
        let groups = groups.unwrap_or_else(|| Groups::new(&request.aggregation));
        Ok(Aggregated { answer: groups.into_answer(), problems })
    }
}

impl Share<'_> {
    fn note(&mut self, gathered: &Gathered) -> Result<(), QueryFailure> {
        let bytes = self.grouping.memory_bytes();
        gathered.remove(self.noted_bytes);
        self.noted_bytes = bytes;
        gathered.add(bytes)
    }
}

fn merged(groups: impl Iterator<Item = Groups>) -> Option<Groups> {
    groups.reduce(|mut all, more| {
        all.merge(more);
        all
    })
}

/// An aggregation over rows that are handed in.
pub struct BatchAggregate<'r> {
    request: &'r AggregateRequest,
    evaluator: Evaluator<'r>,
    grouping: Grouping,
    total: u64,
    memory_bytes_max: usize,
    cancel: Cancel,
}

impl<'r> BatchAggregate<'r> {
    /// One that has seen nothing yet.
    pub fn new(request: &'r AggregateRequest, limits: &Limits, cancel: &Cancel) -> Self {
        Self {
            request,
            evaluator: Evaluator::new(&request.predicate),
            grouping: Grouping::new(&request.aggregation),
            total: 0,
            memory_bytes_max: limits.memory_bytes_max,
            cancel: cancel.clone(),
        }
    }

    /// Looks at more rows.
    ///
    /// # Errors
    ///
    /// [`QueryFailure`] if the query is stopped or would gather more than it may.
    pub fn take(&mut self, rows: &Rows) -> Result<(), QueryFailure> {
        self.cancel.check()?;
        let span = self.request.from..self.request.to;
        let matching = matching_in_span(&mut self.evaluator, &span, rows);
        self.total += matching.count_set_bits() as u64;
        self.grouping.take(&rows.batch, &|name| rows.names.may_have(name), &matching);
        if self.grouping.memory_bytes() > self.memory_bytes_max {
            return Err(QueryFailure::TooMuchMemory { memory_bytes_max: self.memory_bytes_max });
        }
        Ok(())
    }

    /// How many records match so far.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// What is gathered, to be merged with that of other threads.
    pub fn into_groups(self) -> Groups {
        self.grouping.into_groups()
    }

    /// The answer.
    pub fn finish(self) -> Answer {
        self.grouping.into_groups().into_answer()
    }

    /// What is aggregated.
    pub fn aggregation(&self) -> &Aggregation {
        &self.request.aggregation
    }
}
