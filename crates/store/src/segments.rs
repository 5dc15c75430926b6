//! What is in memory: the segments, the one that is appended to, and when it is full.
//!
//! Pure book-keeping under the store's lock; the files are [`wal`](crate::wal)'s.

use weir_record::Timestamp;

use crate::shared::Options;
use crate::wal::{OpenSegment, SegmentState};

/// How many times the memory of a full segment may wait for its files; beyond it nothing is taken in, since
/// whoever makes files of it is behind.
const WAITING_SEGMENTS_MAX: usize = 4;

/// The segments that the ledger lists, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    pub list: Vec<SegmentBook>,
    /// The number of the next new one.
    pub next_number: u64,
    /// The file of the last one, where it is open.
    pub open: Option<(u64, OpenSegment)>,
    /// Whether an append was neither published nor cut off yet.
    pub is_append_open: bool,
}

/// What is known of a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SegmentBook {
    pub state: SegmentState,
    pub memory_bytes: usize,
    /// Whether nothing is appended any more.
    pub is_sealed: bool,
    /// When it was first seen with records in it.
    pub seen: Option<Timestamp>,
}

impl Segments {
    /// The segment that the next append goes to, and how many of its bytes are committed: the last one, or a new
    /// one if that is full.
    pub(crate) fn target(&self, options: &Options) -> SegmentState {
        match self.list.last() {
            Some(last) if !last.is_sealed && !last.is_full(options) => last.state,
            _ => SegmentState { number: self.next_number, bytes: 0, rows: 0 },
        }
    }

    /// Notes what is committed of a segment now.
    pub(crate) fn commit(&mut self, state: SegmentState, memory_bytes: usize) {
        match self.list.iter_mut().find(|book| book.state.number == state.number) {
            Some(book) => {
                book.state = state;
                book.memory_bytes += memory_bytes;
            }
            None => {
                // The one before is never appended to again.
                self.list.iter_mut().for_each(|book| book.is_sealed = true);
                self.list.push(SegmentBook { state, memory_bytes, is_sealed: false, seen: None });
                self.next_number = self.next_number.max(state.number + 1);
            }
        }
    }

    /// Seals the last segment if it is full or old, and `is_due` does not ask for it anyway.
    pub(crate) fn seal(&mut self, options: &Options, now: Option<Timestamp>) {
        if self.is_append_open {
            return;
        }
        let Some(last) = self.list.last_mut() else { return };
        let is_old = match now {
            None => true,
            Some(now) => now.minus(options.roll_age) >= *last.seen.get_or_insert(now),
        };
        last.is_sealed |= is_old || last.is_full(options);
    }

    /// Whether so much waits for its files that nothing more may be taken in.
    pub(crate) fn is_behind(&self, options: &Options) -> bool {
        let waiting: usize = self.list.iter().map(|book| book.memory_bytes).sum();
        waiting > options.roll_bytes.saturating_mul(WAITING_SEGMENTS_MAX)
    }

    /// What the ledger is to keep.
    pub(crate) fn states(&self) -> Vec<SegmentState> {
        self.list.iter().map(|book| book.state).collect()
    }
}

impl SegmentBook {
    fn is_full(&self, options: &Options) -> bool {
        self.state.rows >= options.roll_rows as u64 || self.memory_bytes >= options.roll_bytes
    }
}
