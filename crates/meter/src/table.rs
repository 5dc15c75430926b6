//! The series of one origin: a bounded table from label sets to what was counted under them.
//!
//! One row per label set holds everything that is counted for it, the latencies included, so a
//! record costs one look-up. Families with fewer labels (histograms have no status) are summed from
//! the rows when they are written: scrapes are rare, records are not.
//!
//! The table never holds more than its budget. Half of it is kept for label sets of configured
//! services as soon as there are any, so that a scanner that invents paths cannot push real routes
//! out, and a tenth is kept for the folded label sets into which the rest is counted. Totals stay
//! exact either way.

use std::collections::HashSet;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use weir_record::Timestamp;

use crate::counts::Counts;
use crate::labels::{Folding, Labels, OTHER, OwnedLabels};

/// Virtual hosts that no configured service names; a client can send any `Host` header.
pub const UNCONFIGURED_HOSTS_MAX: usize = 1000;

/// The least budget that leaves room for folded label sets.
pub const SERIES_MIN: usize = 100;

/// The least room for folded label sets: some statuses of some target groups.
const FOLDED_MIN: usize = 40;

/// Expired series are forgotten after this long without a record, in microseconds: 30 days.
const PURGE_AFTER_US: i64 = 30 * 86_400 * 1_000_000;

/// Rows by label set.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    budget: Budget,
    hasher: RandomState,
    index: HashTable<u32>,
    rows: Vec<Row>,
    hosts: HashSet<Box<str>, RandomState>,
    folded_rows: usize,
    unconfigured_rows: usize,
    overflowed: u64,
    births: u64,
}

/// One label set and its counts.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub labels: OwnedLabels,
    pub counts: Counts,
    /// The position of this row in the order of births, from 1.
    pub birth: u64,
    /// When the row was created and last counted in; the arrival's clock, not the records'.
    pub born_at: Timestamp,
    pub counted_at: Timestamp,
    /// When counts were last staged for it, which may be added much later: it is in use.
    staged_at: Timestamp,
    hash: u64,
    pub standing: Standing,
    pub folding: Folding,
    /// Whether the disk knows it.
    pub is_stored: bool,
}

/// What the config knows of a label set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// A service of the config claims it, so it has a share of the reserved room.
    pub is_configured: bool,
    /// The config names its host, so the bound on invented hosts does not apply.
    pub is_host_configured: bool,
}

/// A row as it was written, but for its counts.
pub(crate) struct RestoredRow<'a> {
    pub labels: Labels<'a>,
    pub standing: Standing,
    pub folding: Folding,
    pub birth: u64,
    pub born_at: Timestamp,
    pub counted_at: Timestamp,
}

/// A label set that has no row yet.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    labels: &'a Labels<'a>,
    standing: Standing,
    /// How far it was folded already, in the table it comes from.
    folding: Folding,
    /// Records that are about to be counted there.
    records: u64,
}

/// How many label sets of which kind a table may hold.
#[derive(Clone, Copy, Debug)]
struct Budget {
    series_max: usize,
    folded_max: usize,
    unconfigured_max: usize,
}

impl Budget {
    fn new(series_max: usize, has_services: bool) -> Self {
        let series_max = series_max.max(SERIES_MIN);
        let folded_max = (series_max / 10).max(FOLDED_MIN);
        let open_max = if has_services { series_max / 2 } else { series_max };
        Self { series_max, folded_max, unconfigured_max: open_max - folded_max }
    }
}

impl Table {
    pub(crate) fn new(series_max: usize, has_services: bool) -> Self {
        Self {
            budget: Budget::new(series_max, has_services),
            hasher: RandomState::default(),
            index: HashTable::new(),
            rows: Vec::new(),
            hosts: HashSet::default(),
            folded_rows: 0,
            unconfigured_rows: 0,
            overflowed: 0,
            births: 0,
        }
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Records that were counted under a folded label set for want of room.
    pub(crate) fn overflowed(&self) -> u64 {
        self.overflowed
    }

    /// Rows that were ever created.
    pub(crate) fn births(&self) -> u64 {
        self.births
    }

    /// The birth of the youngest row that has counts; those staged and not applied yet are younger.
    pub(crate) fn counted_births(&self) -> u64 {
        self.rows.iter().rev().find(|row| row.counts.records() > 0).map_or(0, |row| row.birth)
    }

    /// The row of `labels`, or of the label set that takes its place when there is no room: its
    /// number and its counts. One record is about to be counted there, at `now`.
    #[inline]
    pub(crate) fn counts_mut(
        &mut self,
        labels: &Labels<'_>,
        standing: Standing,
        now: Timestamp,
        new: impl FnOnce() -> Counts,
    ) -> (usize, &mut Counts) {
        let hash = self.hasher.hash_one(labels);
        let position = match self.find(hash, labels) {
            Some(position) => position,
            None => self.admit(Candidate { labels, standing, folding: Folding::None, records: 1 }, now, new),
        };
        self.touch(position, now)
    }

    fn touch(&mut self, position: usize, now: Timestamp) -> (usize, &mut Counts) {
        let row = &mut self.rows[position];
        row.counted_at = row.counted_at.max(now);
        (position, &mut row.counts)
    }

    /// Finds the rows that the records of `other` belong to, and makes those that are missing, empty. What
    /// was counted is not added yet: each pair is a row of this table and the row of `other` that belongs there.
    pub(crate) fn stage(
        &mut self,
        other: &Self,
        now: Timestamp,
        new: impl Fn() -> Counts,
    ) -> Vec<(u32, u32)> {
        let mut staged = Vec::new();
        for (number, row) in other.rows.iter().enumerate().filter(|(_, row)| row.counts.records() > 0) {
            let position = self.position_for(row, now, &new);
            self.rows[position].staged_at = now;
            staged.push((position as u32, number as u32));
        }
        staged
    }

    /// Adds what was staged.
    pub(crate) fn apply(&mut self, other: &Self, staged: &[(u32, u32)], now: Timestamp) {
        self.overflowed += other.overflowed;
        for &(position, number) in staged {
            self.touch(position as usize, now).1.merge(&other.rows[number as usize].counts);
        }
    }

    /// The row with this place in the order of births. Rows lie in that order.
    pub(crate) fn born(&self, birth: u64) -> Option<usize> {
        self.rows.binary_search_by_key(&birth, |row| row.birth).ok()
    }

    pub(crate) fn row_mut(&mut self, position: usize) -> Option<&mut Row> {
        self.rows.get_mut(position)
    }

    /// Puts back a row as it was written, whatever the budget is today: it was counted.
    pub(crate) fn restore(&mut self, row: &RestoredRow<'_>, counts: Counts) {
        let &RestoredRow { labels, standing, folding, birth, born_at, counted_at } = row;
        let hash = self.hasher.hash_one(labels);
        self.births = self.births.max(birth);
        let labels = OwnedLabels::new(&labels);
        self.push(Row {
            labels,
            counts,
            birth,
            born_at,
            counted_at,
            staged_at: counted_at,
            hash,
            standing,
            folding,
            is_stored: true,
        });
    }

    /// Sets what was counted before this run.
    pub(crate) fn restore_totals(&mut self, births: u64, overflowed: u64) {
        self.births = self.births.max(births);
        self.overflowed = overflowed;
    }

    /// Adds everything that `other` counted.
    pub(crate) fn merge(&mut self, other: &Self, now: Timestamp, new: impl Fn() -> Counts) {
        self.overflowed += other.overflowed;
        for row in other.rows.iter().filter(|row| row.counts.records() > 0) {
            let position = self.position_for(row, now, &new);
            self.touch(position, now).1.merge(&row.counts);
        }
    }

    /// Where the records of another table's row belong.
    fn position_for(&mut self, row: &Row, now: Timestamp, new: impl Fn() -> Counts) -> usize {
        let labels = &row.labels.borrow();
        self.find(self.hasher.hash_one(labels), labels).unwrap_or_else(|| {
            let (standing, folding, records) = (row.standing, row.folding, row.counts.records());
            self.admit(Candidate { labels, standing, folding, records }, now, new)
        })
    }

    /// Forgets all counts; the label sets stay, as the next batch is likely to have the same, unless they
    /// take half of some room: then most are of batches long past, and the next one's would find none.
    pub(crate) fn clear_counts(&mut self) {
        self.overflowed = 0;
        if self.is_crowded() {
            self.rows.clear();
            self.index.clear();
            self.hosts.clear();
            (self.folded_rows, self.unconfigured_rows) = (0, 0);
            return;
        }
        for row in self.rows.iter_mut().filter(|row| row.counts.records() > 0) {
            row.counts.clear();
        }
    }

    /// Whether so many label sets are known that new ones would soon be folded.
    fn is_crowded(&self) -> bool {
        self.rows.len() > self.budget.series_max / 2
            || self.unconfigured_rows > self.budget.unconfigured_max / 2
            || self.hosts.len() > UNCONFIGURED_HOSTS_MAX / 2
            || self.folded_rows > 0
    }

    /// Forgets series that had no record for 30 days, which makes room for others. Returns the births of
    /// those that the disk knows.
    pub(crate) fn purge(&mut self, now: Timestamp) -> Vec<u64> {
        let oldest = now.plus_micros(-PURGE_AFTER_US);
        if self.rows.iter().all(|row| row.counted_at.max(row.staged_at) >= oldest) {
            return Vec::new();
        }
        let rows = std::mem::take(&mut self.rows);
        self.index.clear();
        self.hosts.clear();
        self.folded_rows = 0;
        self.unconfigured_rows = 0;
        // A histogram is the sum of rows that differ in status (and for nginx in host): as long as one of
        // them is in use all are kept, or the sum would go down.
        let hasher = self.hasher.clone();
        let histogram_of = |row: &Row| {
            let labels = row.labels.borrow();
            hasher.hash_one(Labels { status: None, host: "", ..labels })
        };
        let is_in_use = |row: &Row| row.counted_at.max(row.staged_at) >= oldest;
        let used: HashSet<u64> = rows.iter().filter(|row| is_in_use(row)).map(histogram_of).collect();
        let mut purged = Vec::new();
        for row in rows {
            if is_in_use(&row) || used.contains(&histogram_of(&row)) {
                self.push(row);
            } else if row.is_stored {
                purged.push(row.birth);
            }
        }
        purged
    }

    #[inline]
    fn find(&self, hash: u64, labels: &Labels<'_>) -> Option<usize> {
        let found = self.index.find(hash, |&position| self.rows[position as usize].labels.matches(labels));
        found.map(|&position| position as usize)
    }

    #[cold]
    fn admit(&mut self, candidate: Candidate<'_>, now: Timestamp, new: impl FnOnce() -> Counts) -> usize {
        let Candidate { standing, records, .. } = candidate;
        let labels = self.with_known_host(&candidate);
        if labels.host != candidate.labels.host {
            self.overflowed += records;
        }
        // A row that was folded in another table was counted as overflow there.
        let mut is_counted = labels.host != candidate.labels.host || candidate.folding != Folding::None;
        let mut folding = candidate.folding;
        loop {
            let candidate = labels.folded(folding);
            let hash = self.hasher.hash_one(candidate);
            if let Some(position) = self.find(hash, &candidate) {
                return position;
            }
            if self.has_room(folding, standing.is_configured) {
                self.births += 1;
                return self.push(Row {
                    labels: OwnedLabels::new(&candidate),
                    counts: new(),
                    birth: self.births,
                    born_at: now,
                    counted_at: now,
                    staged_at: now,
                    hash,
                    standing,
                    folding,
                    is_stored: false,
                });
            }
            if !is_counted {
                self.overflowed += records;
                is_counted = true;
            }
            folding = folding.next();
        }
    }

    /// Replaces the host where a client invented one too many.
    fn with_known_host<'a>(&self, candidate: &Candidate<'a>) -> Labels<'a> {
        let labels = *candidate.labels;
        let is_full = self.hosts.len() >= UNCONFIGURED_HOSTS_MAX && !candidate.standing.is_host_configured;
        let is_known = labels.host.is_empty() || labels.host == OTHER || self.hosts.contains(labels.host);
        if is_full && !is_known { Labels { host: OTHER, ..labels } } else { labels }
    }

    fn has_room(&self, folding: Folding, is_configured: bool) -> bool {
        let Budget { series_max, folded_max, unconfigured_max } = self.budget;
        match folding {
            Folding::None => {
                let unfolded = self.rows.len() - self.folded_rows;
                unfolded < series_max - folded_max
                    && (is_configured || self.unconfigured_rows < unconfigured_max)
            }
            Folding::Path => self.folded_rows < folded_max / 2,
            Folding::Host => self.folded_rows < folded_max * 3 / 4,
            Folding::Method => self.folded_rows < folded_max,
            // Bounded by the statuses that three digits can write, and by the services of the config.
            Folding::TargetGroup => true,
        }
    }

    fn push(&mut self, row: Row) -> usize {
        let position = self.rows.len();
        if row.folding == Folding::None {
            if !row.standing.is_configured {
                self.unconfigured_rows += 1;
            }
            if !row.standing.is_host_configured {
                let host = row.labels.borrow().host;
                if host != OTHER && !self.hosts.contains(host) {
                    self.hosts.insert(host.into());
                }
            }
        } else {
            self.folded_rows += 1;
        }
        let rows = &self.rows;
        self.index.insert_unique(row.hash, position as u32, |&position| rows[position as usize].hash);
        self.rows.push(row);
        position
    }
}
