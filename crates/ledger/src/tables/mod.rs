//! The tables, one file per subject: what a row is, what may be done with it, and what bounds their number.
//!
//! All of them are listed here and created when a ledger is made, so that no reader ever meets a ledger
//! without one. A name in this list is part of the file's format.

pub(crate) mod events;
pub(crate) mod files;
pub(crate) mod keys;
pub(crate) mod names;
pub(crate) mod objects;
pub(crate) mod older_events;
pub(crate) mod pending;
pub(crate) mod pushed;
pub(crate) mod queue;
pub(crate) mod rejects;
pub(crate) mod series;
pub(crate) mod slots;
pub(crate) mod states;
pub(crate) mod tallies;

use redb::{TableDefinition, WriteTransaction};

use crate::error::LedgerError;
use crate::view::{Access, LazyTable};

/// The version of the file's format, under `format`; read before all else.
pub(crate) const META: TableDefinition<'static, &str, u32> = TableDefinition::new("meta");

type Fixed<A, const N: usize, V> = LazyTable<A, &'static [u8; N], V>;
type Bytes = &'static [u8];

/// Every table but [`META`].
pub(crate) struct Tables<A: Access> {
    pub(crate) names: LazyTable<A, &'static str, u32>,
    pub(crate) tallies: Fixed<A, 5, (u64, u64, u64)>,
    pub(crate) objects: Fixed<A, 16, Bytes>,
    pub(crate) objects_by_time: Fixed<A, 24, ()>,
    pub(crate) keys: Fixed<A, 16, i64>,
    pub(crate) keys_by_time: Fixed<A, 24, ()>,
    pub(crate) files: Fixed<A, 20, Bytes>,
    pub(crate) labels: Fixed<A, 13, Bytes>,
    pub(crate) counts: Fixed<A, 13, Bytes>,
    pub(crate) births: Fixed<A, 5, u64>,
    pub(crate) pending: Fixed<A, 21, Bytes>,
    pub(crate) publications: Fixed<A, 4, Bytes>,
    pub(crate) queue: Fixed<A, 12, Bytes>,
    pub(crate) slot_keys: LazyTable<A, u32, Bytes>,
    pub(crate) slot_numbers: LazyTable<A, Bytes, u32>,
    pub(crate) slot_days: LazyTable<A, u32, i64>,
    pub(crate) slots: Fixed<A, 12, Bytes>,
    pub(crate) event_keys: LazyTable<A, u32, Bytes>,
    pub(crate) event_numbers: LazyTable<A, Bytes, u32>,
    pub(crate) event_spans: LazyTable<A, u32, (i64, i64)>,
    pub(crate) events: Fixed<A, 8, Bytes>,
    pub(crate) event_hours: Fixed<A, 8, Bytes>,
    pub(crate) event_totals: Fixed<A, 8, Bytes>,
    pub(crate) event_pending: Fixed<A, 16, Bytes>,
    pub(crate) states: LazyTable<A, &'static str, Bytes>,
    pub(crate) pushed_families: LazyTable<A, &'static str, Bytes>,
    pub(crate) pushed_series: LazyTable<A, Bytes, Bytes>,
    pub(crate) rejects: LazyTable<A, u64, Bytes>,
}

impl<A: Access> Tables<A> {
    pub(crate) const fn new(transaction: A) -> Self {
        Self {
            names: LazyTable::new(transaction, "names"),
            tallies: LazyTable::new(transaction, "tallies"),
            objects: LazyTable::new(transaction, "objects"),
            objects_by_time: LazyTable::new(transaction, "objects_by_time"),
            keys: LazyTable::new(transaction, "keys"),
            keys_by_time: LazyTable::new(transaction, "keys_by_time"),
            files: LazyTable::new(transaction, "files"),
            labels: LazyTable::new(transaction, "labels"),
            counts: LazyTable::new(transaction, "counts"),
            births: LazyTable::new(transaction, "births"),
            pending: LazyTable::new(transaction, "pending"),
            publications: LazyTable::new(transaction, "publications"),
            queue: LazyTable::new(transaction, "queue"),
            slot_keys: LazyTable::new(transaction, "slot_keys"),
            slot_numbers: LazyTable::new(transaction, "slot_numbers"),
            slot_days: LazyTable::new(transaction, "slot_days"),
            slots: LazyTable::new(transaction, "slots"),
            event_keys: LazyTable::new(transaction, "event_keys"),
            event_numbers: LazyTable::new(transaction, "event_numbers"),
            event_spans: LazyTable::new(transaction, "event_spans"),
            events: LazyTable::new(transaction, "minute_events"),
            event_hours: LazyTable::new(transaction, "hour_events"),
            event_totals: LazyTable::new(transaction, "event_totals"),
            event_pending: LazyTable::new(transaction, "event_pending"),
            states: LazyTable::new(transaction, "states"),
            pushed_families: LazyTable::new(transaction, "pushed_families"),
            pushed_series: LazyTable::new(transaction, "pushed_series"),
            rejects: LazyTable::new(transaction, "rejects"),
        }
    }
}

impl Tables<&WriteTransaction> {
    /// Creates those that are not there.
    pub(crate) fn create(&self) -> Result<(), LedgerError> {
        self.names.change(|_| Ok(()))?;
        self.tallies.change(|_| Ok(()))?;
        self.objects.change(|_| Ok(()))?;
        self.objects_by_time.change(|_| Ok(()))?;
        self.keys.change(|_| Ok(()))?;
        self.keys_by_time.change(|_| Ok(()))?;
        self.files.change(|_| Ok(()))?;
        self.labels.change(|_| Ok(()))?;
        self.counts.change(|_| Ok(()))?;
        self.births.change(|_| Ok(()))?;
        self.pending.change(|_| Ok(()))?;
        self.publications.change(|_| Ok(()))?;
        self.queue.change(|_| Ok(()))?;
        self.slot_keys.change(|_| Ok(()))?;
        self.slot_numbers.change(|_| Ok(()))?;
        self.slot_days.change(|_| Ok(()))?;
        self.slots.change(|_| Ok(()))?;
        self.event_keys.change(|_| Ok(()))?;
        self.event_numbers.change(|_| Ok(()))?;
        self.event_spans.change(|_| Ok(()))?;
        self.events.change(|_| Ok(()))?;
        self.event_hours.change(|_| Ok(()))?;
        self.event_totals.change(|_| Ok(()))?;
        self.event_pending.change(|_| Ok(()))?;
        self.states.change(|_| Ok(()))?;
        self.pushed_families.change(|_| Ok(()))?;
        self.pushed_series.change(|_| Ok(()))?;
        self.rejects.change(|_| Ok(()))
    }
}
