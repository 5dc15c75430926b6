//! Finds records: first their places, then their fields.
//!
//! The places of all that match are found with the predicate's columns, the time and the arrival number alone;
//! fields are read for those that are in the answer, which are few. Pieces are looked at in the order of the
//! answer, and within a row group the granules too, in steps that grow: the newest hundred of everything cost
//! one granule, a rare value does not cost a new start per granule.

use std::collections::BTreeMap;
use std::mem::size_of;
use std::ops::Range;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use arrow_buffer::BooleanBuffer;
use weir_query::Predicate;
use weir_record::Timestamp;

use super::best::{Best, Candidate, Direction, Rank};
use super::cancel::Cancel;
use super::evaluate::{Evaluator, in_span};
use super::failure::QueryFailure;
use super::hit::{HitColumns, hit_bytes};
use super::request::{Cursor, Found, Hit, Limits, SearchRequest};
use super::scan::{Gathered, Scan, Units};
use super::unit::{ReadFailure, RowNumbers, Unit, WantedFields, row_ranges};
use crate::View;
use crate::filter::GRANULE_ROWS;

/// Rows of the first looks into a unit, one after the other; what is left then is read at once. The first is one
/// granule, because the answer is often there.
const STEPS_ROWS: [usize; 2] = [GRANULE_ROWS, 4 * GRANULE_ROWS];

impl View {
    /// The records that match, in the order asked for, up to the limit.
    ///
    /// Files that cannot be read are named in the answer, which then lacks their records.
    ///
    /// # Errors
    ///
    /// [`QueryFailure`] if the query is stopped or would gather more than it may.
    pub fn search(
        &self,
        request: &SearchRequest,
        limits: &Limits,
        cancel: &Cancel,
    ) -> Result<Found, QueryFailure> {
        let scan = Scan::new(&request.predicate, request.span(), limits, cancel);
        let units = scan.units(self)?;
        search_units(request, &scan, units)
    }

    /// The record at a place; `None` where there is none, or none any more.
    ///
    /// # Errors
    ///
    /// As [`View::search`].
    pub fn record(
        &self,
        place: Cursor,
        limits: &Limits,
        cancel: &Cancel,
    ) -> Result<Option<Hit>, QueryFailure> {
        // The first one behind the place right before it.
        let before = Cursor { sequence: place.sequence.saturating_sub(1), ..place };
        let last = Timestamp::from_micros(i64::MAX);
        let request = SearchRequest {
            is_oldest_first: true,
            after: Some(before),
            ..SearchRequest::newest(Predicate::All, place.time..last, 1)
        };
        let found = self.search(&request, limits, cancel)?.hits.pop();
        Ok(found.filter(|found| found.cursor() == place))
    }
}

/// Finds in `units` what `request` asks for.
pub(crate) fn search_units(
    request: &SearchRequest,
    scan: &Scan<'_>,
    units: Units,
) -> Result<Found, QueryFailure> {
    let Units { mut units, mut problems } = units;
    let direction = Direction { is_oldest_first: request.is_oldest_first };
    units.sort_by_key(|unit| direction.time_ranks(unit.min_time, unit.max_time).0);
    let gathered = Gathered::new(scan.limits);
    // One more than asked for tells whether there is more.
    let wanted = if request.limit == 0 { 0 } else { request.limit.saturating_add(1) };
    gathered.add(wanted.min(total_rows(&units)).saturating_mul(2 * size_of::<Candidate>()))?;
    let search = Search {
        scan,
        direction,
        best: Best::new(wanted),
        after: request.after.map(|cursor| direction.rank(cursor)),
        with_total: request.with_total,
        predicate_fields: predicate_fields(scan),
    };
    let start = || (Evaluator::new(scan.predicate), 0);
    let (states, more_problems) = scan.run(&units, start, |(evaluator, total), index, unit| {
        *total += search.look_into(evaluator, index, unit)?;
        Ok(())
    })?;
    problems.extend(more_problems);
    let total = request.with_total.then(|| states.iter().map(|(_, total)| total).sum());
    let mut candidates = search.best.into_sorted();
    let has_more = candidates.len() > request.limit;
    candidates.truncate(request.limit);
    let fetch = Fetch { scan, gathered: &gathered, fields: request.fields.as_deref(), units: &units };
    let (hits, more_problems) = fetch.hits(&candidates)?;
    problems.extend(more_problems);
    let cursor = candidates.last().filter(|_| has_more).map(|last| cursor_of(direction, last.rank));
    Ok(Found { hits, total, cursor, problems })
}

fn total_rows(units: &[Unit]) -> usize {
    units.iter().map(Unit::rows).sum()
}

fn cursor_of(direction: Direction, rank: Rank) -> Cursor {
    // Turning round twice gives the number itself.
    let number = |rank| direction.rank_of(rank);
    Cursor { time: Timestamp::from_micros(number(rank.0)), sequence: number(rank.1) }
}

/// The fields that a scan's predicate looks at.
pub(crate) fn predicate_fields(scan: &Scan<'_>) -> WantedFields {
    let mut fields = WantedFields::default();
    fields.add_predicate(scan.predicate);
    fields
}

/// The first part of a search: where the records lie.
struct Search<'a> {
    scan: &'a Scan<'a>,
    direction: Direction,
    best: Best,
    after: Option<Rank>,
    with_total: bool,
    predicate_fields: WantedFields,
}

impl Search<'_> {
    /// Adds the candidates of a unit; gives how many of its rows match, where a total is wanted.
    fn look_into(
        &self,
        evaluator: &mut Evaluator<'_>,
        index: usize,
        unit: &Unit,
    ) -> Result<u64, ReadFailure> {
        let (first, last) = self.direction.time_ranks(unit.min_time, unit.max_time);
        let is_before_cursor = self.after.is_some_and(|after| last < after.0);
        let mut total = 0;
        if self.with_total {
            // Everything is read in any case, so in one go.
            let may_want = !is_before_cursor && self.best.may_want(first);
            return self.look_at(evaluator, index, unit, &unit.ranges, may_want);
        }
        for ranges in steps(&unit.ranges, self.direction) {
            if is_before_cursor || !self.may_want(unit, &ranges) {
                continue;
            }
            total += self.look_at(evaluator, index, unit, &ranges, true)?;
        }
        Ok(total)
    }

    /// Whether rows in these ranges may still be wanted.
    fn may_want(&self, unit: &Unit, ranges: &[Range<usize>]) -> bool {
        let (min_time, max_time) = unit.times_of(ranges);
        self.best.may_want(self.direction.time_ranks(min_time, max_time).0)
    }

    fn look_at(
        &self,
        evaluator: &mut Evaluator<'_>,
        index: usize,
        unit: &Unit,
        ranges: &[Range<usize>],
        may_want: bool,
    ) -> Result<u64, ReadFailure> {
        let is_trivial = matches!(self.scan.predicate, Predicate::All);
        if !may_want && is_trivial && unit.is_inside_span {
            return Ok(ranges.iter().map(|range| range.len() as u64).sum());
        }
        let mut fields = self.predicate_fields.clone();
        if may_want || !unit.is_inside_span {
            fields = fields.with(["@timestamp"]);
        }
        if may_want {
            fields = fields.with(["_sequence"]);
        }
        let mut total = 0;
        let mut candidates = Vec::new();
        unit.read(&fields, ranges, self.scan.cancel, &mut |batch, numbers| {
            let mut matching = evaluator.evaluate(batch, &|name| unit.is_in_maps(name));
            if !unit.is_inside_span {
                matching = in_span(batch, &self.scan.span, matching);
            }
            total += matching.count_set_bits() as u64;
            if may_want {
                self.add_candidates(batch, &matching, numbers, index, &mut candidates);
            }
            Ok(())
        })?;
        self.best.add(&candidates);
        Ok(total)
    }

    fn add_candidates(
        &self,
        batch: &RecordBatch,
        matching: &BooleanBuffer,
        numbers: &RowNumbers,
        unit: usize,
        candidates: &mut Vec<Candidate>,
    ) {
        let times = batch.column_by_name("@timestamp");
        let sequences = batch.column_by_name("_sequence");
        let (Some(times), Some(sequences)) = (times, sequences) else {
            return;
        };
        let times = times.as_primitive::<TimestampMicrosecondType>().values();
        let sequences = sequences.as_primitive::<Int64Type>().values();
        for row in matching.set_indices() {
            let rank = Rank(self.direction.rank_of(times[row]), self.direction.rank_of(sequences[row]));
            let is_after = self.after.is_none_or(|after| rank > after);
            if is_after && self.best.may_want(rank.0) {
                candidates.push(Candidate { rank, unit, row: numbers.of(row) });
            }
        }
    }
}

/// Parts of the ranges in the order in which they are looked at: small at first.
fn steps(ranges: &[Range<usize>], direction: Direction) -> Vec<Vec<Range<usize>>> {
    let mut left = ranges.to_vec();
    let mut steps = Vec::new();
    for rows in STEPS_ROWS {
        if left.is_empty() {
            break;
        }
        steps.push(take_rows(&mut left, rows, direction));
    }
    if !left.is_empty() {
        steps.push(left);
    }
    steps
}

/// Cuts `rows` rows, or what there is, off the end of `ranges` at which the answer begins. Rows are counted from
/// the start of the unit, so that a cut is at a granule's end.
fn take_rows(ranges: &mut Vec<Range<usize>>, rows: usize, direction: Direction) -> Vec<Range<usize>> {
    let mut taken = Vec::new();
    let mut wanted = rows;
    while wanted > 0 && !ranges.is_empty() {
        let at = if direction.is_oldest_first { 0 } else { ranges.len() - 1 };
        let range = ranges[at].clone();
        let part = if direction.is_oldest_first {
            range.start..range.end.min((range.start + wanted).next_multiple_of(GRANULE_ROWS))
        } else {
            let start = range.end.saturating_sub(wanted).next_multiple_of(GRANULE_ROWS);
            let start = if start >= range.end { start - GRANULE_ROWS } else { start };
            start.max(range.start)..range.end
        };
        wanted = wanted.saturating_sub(part.len());
        match (part.len() == range.len(), direction.is_oldest_first) {
            (true, _) => drop(ranges.remove(at)),
            (false, true) => ranges[at].start = part.end,
            (false, false) => ranges[at].end = part.start,
        }
        taken.push(part);
    }
    taken.sort_unstable_by_key(|range| range.start);
    taken
}

/// The second part of a search: what the records hold.
struct Fetch<'a> {
    scan: &'a Scan<'a>,
    gathered: &'a Gathered,
    fields: Option<&'a [String]>,
    units: &'a [Unit],
}

impl Fetch<'_> {
    /// The records of `candidates`, in their order, without those of files that cannot be read.
    fn hits(&self, candidates: &[Candidate]) -> Result<(Vec<Hit>, Vec<String>), QueryFailure> {
        let mut rows_by_unit: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
        for (place, candidate) in candidates.iter().enumerate() {
            rows_by_unit.entry(candidate.unit).or_default().push((candidate.row, place));
        }
        let rows_by_unit: Vec<_> = rows_by_unit.into_iter().collect();
        let wanted = self.wanted_fields();
        let (states, problems) = self.scan.run(&rows_by_unit, Vec::new, |hits, _, (unit, rows)| {
            self.fetch(&self.units[*unit], rows, &wanted, hits)
        })?;
        let mut placed: Vec<(usize, Hit)> = states.into_iter().flatten().collect();
        placed.sort_unstable_by_key(|(place, _)| *place);
        Ok((placed.into_iter().map(|(_, hit)| hit).collect(), problems))
    }

    fn wanted_fields(&self) -> WantedFields {
        match self.fields {
            None => WantedFields::all(),
            Some(fields) => {
                WantedFields::of(fields.iter().map(String::as_str)).with(["@timestamp", "_sequence"])
            }
        }
    }

    /// Adds the records of one unit to `hits`, each with its place in the answer.
    fn fetch(
        &self,
        unit: &Unit,
        rows: &[(usize, usize)],
        wanted: &WantedFields,
        hits: &mut Vec<(usize, Hit)>,
    ) -> Result<(), ReadFailure> {
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        let ranges = row_ranges(rows.iter().map(|&(row, _)| row));
        let mut places = rows.iter().map(|&(_, place)| place);
        unit.read(wanted, &ranges, self.scan.cancel, &mut |batch, _| {
            let columns = HitColumns::of(batch, self.fields);
            for (row, place) in (0..batch.num_rows()).zip(&mut places) {
                let hit = columns.hit(row);
                self.gathered.add(hit_bytes(&hit))?;
                hits.push((place, hit));
            }
            Ok(())
        })
    }
}
