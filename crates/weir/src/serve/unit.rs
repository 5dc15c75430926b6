//! What is committed together: the objects that a worker read since it last handed over, and what they gave.
//!
//! The counts of several objects lie in one meter, because adding them up while they are read costs nothing
//! and adding them up afterwards costs as much as a tenth of reading them. The price is that they stand or
//! fall together: if one turns out broken half-way, the unit is dropped and all of them are read again.

use std::sync::Arc;

use tokio::sync::oneshot;
use weir_ledger::{FilePosition, ObjectEntry, ObjectId, StoredReject};
use weir_meter::{Counting, Meter, MeterOptions, MinuteMeters, SlotRange};
use weir_record::{Minute, Record, RecordContext, Request, Timestamp};
use weir_store::{Kept, Rows, RowsBuilder, RowsWriter, SequenceNumbers, StoreError};

use super::account::Account;
use super::declared::DeclaredCounts;
use super::indicators::IndicatorCounts;

/// Bytes of rejects that a unit keeps, as [`reject_cost`] counts them; of more it keeps the count.
const REJECT_BYTES_MAX: u64 = 32 << 20;

/// What a reject costs beside its line and its origin, in bytes: its names, and its place in memory and in the
/// ledger. Without it a bound would let any number of short lines through.
pub const REJECT_OVERHEAD_BYTES: u64 = 256;

/// Records of a unit that are not kept and are shown to who watches; nobody reads more in a second.
const SHOWN_MAX: usize = 10_000;

/// How far counts reach, beside the minutes, which have everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To `/metrics` and to remote write: what comes as it happens.
    Everything,
    /// To `/metrics`: history that is to be in the counters too.
    Counters,
    /// No further: history.
    Minutes,
}

/// Objects and what they gave.
pub struct Unit {
    /// The source's name.
    pub source: Arc<str>,
    /// How far its counts reach.
    pub reach: Reach,
    /// Counts of everything in it, by minute too.
    pub meter: Meter,
    /// The same apart by minute, where the source is published by remote write.
    pub minutes: Option<MinuteMeters>,
    /// What became of the lines.
    pub account: Account,
    /// Lines and objects that are kept because they could not be counted.
    pub rejects: Vec<StoredReject>,
    reject_bytes: u64,
    /// The objects by which it is known whether this was counted before.
    pub objects: Vec<(ObjectId, ObjectEntry)>,
    /// Objects that cannot come again, so that nobody need know them any more.
    pub forgotten_objects: Vec<ObjectId>,
    /// Keys of files that have others now; they are forgotten before `files` are kept.
    pub replaced_files: Vec<[u8; 16]>,
    /// How far files were read.
    pub files: Vec<([u8; 16], FilePosition)>,
    /// Rejects that are counted now, and so are none any more.
    pub replayed: Vec<u64>,
    /// Takes the records that are to be found again, where a store is.
    rows: Option<RowsWriter>,
    /// Those records, once the unit is [sealed](Self::seal).
    pub kept: Kept,
    /// Records that are not kept, for who watches.
    shown: Option<Box<RowsBuilder>>,
    /// Such records that had no room.
    passed_over: u64,
    /// What it adds to the user's own metrics.
    pub declared: DeclaredCounts,
    /// What it adds to promises and alerts.
    pub events: IndicatorCounts,
    /// The minutes that are believed.
    pub range: SlotRange,
    /// Who waits for it to be on the disk.
    pub waiting: Vec<oneshot::Sender<Committed>>,
}

/// What became of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// It is on the disk.
    Done,
    /// One of its objects was counted before: nothing of it was counted now.
    Known,
    /// The server stops; nothing of it was counted.
    Stopping,
}

impl Unit {
    /// An empty unit. `first_open` is the first minute that remote write has not published, if it has this
    /// source and is to have these counts.
    pub fn new(
        source: Arc<str>,
        reach: Reach,
        options: MeterOptions,
        now: Timestamp,
        first_open: Option<Minute>,
        rows: Option<RowsWriter>,
    ) -> Self {
        Self {
            source,
            reach,
            meter: Meter::with_slots(options, SlotRange::at(now)),
            minutes: first_open.map(|first_open| MinuteMeters::new(options, first_open, SlotRange::at(now))),
            account: Account::default(),
            rejects: Vec::new(),
            reject_bytes: 0,
            objects: Vec::new(),
            forgotten_objects: Vec::new(),
            replaced_files: Vec::new(),
            files: Vec::new(),
            replayed: Vec::new(),
            rows,
            kept: Kept::default(),
            shown: None,
            passed_over: 0,
            declared: DeclaredCounts::default(),
            events: IndicatorCounts::default(),
            range: SlotRange::at(now),
            waiting: Vec::new(),
        }
    }

    /// Forgets everything and keeps the memory for the next objects, which are read from `now` on.
    pub fn clear(&mut self, now: Timestamp, first_open: Option<Minute>) {
        self.meter.clear_for(SlotRange::at(now));
        if let (Some(minutes), Some(first_open)) = (&mut self.minutes, first_open) {
            minutes.clear(first_open, SlotRange::at(now));
        }
        self.account = Account::default();
        self.rejects.clear();
        self.reject_bytes = 0;
        self.objects.clear();
        self.forgotten_objects.clear();
        self.replaced_files.clear();
        self.files.clear();
        self.replayed.clear();
        if let Some(rows) = &mut self.rows {
            rows.clear();
        }
        self.kept = Kept::default();
        self.shown = None;
        self.passed_over = 0;
        self.declared.clear();
        self.events.clear();
        self.range = SlotRange::at(now);
        self.waiting.clear();
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.account == Account::default()
            && self.objects.is_empty()
            && self.forgotten_objects.is_empty()
            && self.replaced_files.is_empty()
            && self.files.is_empty()
            && self.rejects.is_empty()
            && self.replayed.is_empty()
            && self.waiting.is_empty()
    }

    /// Counts one request.
    #[inline]
    pub fn observe(&mut self, counting: &Counting<'_>, request: &Request<'_>) {
        self.meter.observe(counting, request, Timestamp::default());
        if let Some(minutes) = &mut self.minutes {
            minutes.observe(counting, request, Timestamp::default());
        }
        self.account.record(request.time);
    }

    /// Whether records are kept with their lines.
    pub fn keeps_lines(&self) -> bool {
        self.rows.as_ref().is_some_and(RowsWriter::is_raw_kept)
    }

    /// Keeps a record, to be found again; `raw` is what may be kept of its line.
    #[inline]
    pub fn keep_record(
        &mut self,
        record: Record<'_>,
        context: &RecordContext<'_>,
        origin: &str,
        line: u64,
        raw: &[u8],
    ) {
        if let Some(rows) = &mut self.rows {
            rows.push(record, context, origin, line, raw);
        }
    }

    /// Shows a record that is not kept to who watches, if there is room.
    pub fn show_record(&mut self, record: Record<'_>, context: &RecordContext<'_>, origin: &str, line: u64) {
        let shown = self.shown.get_or_insert_with(|| Box::new(RowsBuilder::new()));
        if shown.len() < SHOWN_MAX {
            shown.push(record, context, origin, line, None);
        } else {
            self.passed_over += 1;
        }
    }

    /// The records of this unit for who watches, and how many there are beside them.
    pub fn take_shown(&mut self) -> (Vec<Arc<Rows>>, u64) {
        let in_files = self.kept.files.iter().map(|file| file.stored.rows).sum::<u64>();
        let mut rows: Vec<Arc<Rows>> = self.kept.rows.iter().cloned().map(Arc::new).collect();
        // Numbers of their own: nobody finds them again. What does not fit into columns is not shown.
        let unkept = self.shown.take().map(|mut shown| shown.finish(&SequenceNumbers::starting_at(0)));
        rows.extend(unkept.and_then(Result::ok).flatten().map(Arc::new));
        (rows, in_files + std::mem::take(&mut self.passed_over))
    }

    /// Makes the records ready to be committed with everything else; done where the unit was filled, so that
    /// the commit thread has only to write them.
    ///
    /// # Errors
    ///
    /// A disk that is full or failing; the unit must be dropped then, and what is in it read again.
    pub fn seal(&mut self) -> Result<(), StoreError> {
        if let Some(rows) = &mut self.rows {
            self.kept = rows.finish()?;
        }
        Ok(())
    }

    /// Keeps a reject, if there is room in the unit.
    pub fn keep(&mut self, reject: StoredReject) {
        let cost = reject_cost(&reject);
        if self.reject_bytes + cost > REJECT_BYTES_MAX {
            self.account.rejects_not_kept += 1;
            return;
        }
        self.reject_bytes += cost;
        self.rejects.push(reject);
    }
}

/// What a reject takes, in bytes, for bounds.
pub fn reject_cost(reject: &StoredReject) -> u64 {
    (reject.bytes.len() + reject.origin.len()) as u64 + REJECT_OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_rejects_are_bounded_too() {
        let reject = StoredReject {
            source: "alb".into(),
            origin: "a.log".into(),
            line: 1,
            column: 0,
            reason: "not_json".into(),
            received_at_us: 0,
            bytes: Vec::new(),
            is_cut: false,
            format: None,
        };
        let options = MeterOptions { ..MeterOptions::default() };
        let mut unit = Unit::new("alb".into(), Reach::Everything, options, Timestamp::default(), None, None);
        let room = REJECT_BYTES_MAX / reject_cost(&reject);
        for _ in 0..room + 3 {
            unit.keep(reject.clone());
        }
        assert_eq!((unit.rejects.len() as u64, unit.account.rejects_not_kept), (room, 3));
        unit.clear(Timestamp::default(), None);
        unit.keep(reject);
        assert_eq!((unit.rejects.len(), unit.account.rejects_not_kept), (1, 0));
    }
}
