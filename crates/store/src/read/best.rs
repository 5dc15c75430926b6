//! The first records of an order, out of very many: bounded by how many are wanted, not by how many match.
//!
//! A place is turned into a rank that is smaller for what comes earlier in the answer, whichever way the answer
//! is ordered, so that nobody else thinks about directions. The worst rank that is still wanted is shared with
//! the threads, which pass over whole pieces that cannot have a better one.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::request::Cursor;

/// The place of a record as two numbers that ascend in the order of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank(pub i64, pub i64);

/// Which way an answer is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Direction {
    pub is_oldest_first: bool,
}

impl Direction {
    /// The rank of a time, or of an arrival number.
    pub(crate) fn rank_of(self, number: i64) -> i64 {
        // The complement turns the order round and has no number without a counterpart, as negation would.
        if self.is_oldest_first { number } else { !number }
    }

    pub(crate) fn rank(self, cursor: Cursor) -> Rank {
        Rank(self.rank_of(cursor.time.micros()), self.rank_of(cursor.sequence))
    }

    /// The ranks of the times between `min_time` and `max_time`: the first and the last.
    pub(crate) fn time_ranks(self, min_time: i64, max_time: i64) -> (i64, i64) {
        if self.is_oldest_first {
            (min_time, max_time)
        } else {
            (self.rank_of(max_time), self.rank_of(min_time))
        }
    }
}

/// A record that may come into the answer, and where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate {
    pub rank: Rank,
    pub unit: usize,
    pub row: usize,
}

/// The best candidates so far.
pub(crate) struct Best {
    wanted: usize,
    candidates: Mutex<Vec<Candidate>>,
    /// The rank of time above which no candidate is wanted any more.
    worst_time_rank: AtomicI64,
}

impl Best {
    pub(crate) fn new(wanted: usize) -> Self {
        let worst_time_rank = if wanted == 0 { i64::MIN } else { i64::MAX };
        Self { wanted, candidates: Mutex::default(), worst_time_rank: AtomicI64::new(worst_time_rank) }
    }

    /// Whether a record of such a rank of time may still be wanted.
    pub(crate) fn may_want(&self, time_rank: i64) -> bool {
        self.wanted > 0 && time_rank <= self.worst_time_rank.load(Ordering::Relaxed)
    }

    /// Takes in the candidates of one thread.
    pub(crate) fn add(&self, more: &[Candidate]) {
        if more.is_empty() || self.wanted == 0 {
            return;
        }
        let mut candidates = self.candidates.lock().unwrap_or_else(PoisonError::into_inner);
        candidates.extend_from_slice(more);
        if candidates.len() >= self.wanted {
            let (_, worst, _) = candidates.select_nth_unstable(self.wanted - 1);
            let worst_time_rank = worst.rank.0;
            candidates.truncate(self.wanted);
            self.worst_time_rank.store(worst_time_rank, Ordering::Relaxed);
        }
    }

    /// The candidates in the order of the answer.
    pub(crate) fn into_sorted(self) -> Vec<Candidate> {
        let mut candidates = self.candidates.into_inner().unwrap_or_else(PoisonError::into_inner);
        candidates.sort_unstable();
        candidates
    }
}
