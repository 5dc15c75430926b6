//! What was counted in minutes that remote write has not published yet.
//!
//! A minute is published when the watermark has passed it, which may be an hour after its first line, so it
//! must survive a restart. Counts are kept by target, minute and series, in this order: publishing a minute
//! reads and removes one run of rows.
//!
//! Growth: series of the budget, times the minutes between the watermark and now; `take_pending` removes.

use redb::ReadableTable as _;
use serde::{Deserialize, Serialize};
use weir_meter::durable::{SeriesId, StoredCounts};
use weir_record::Minute;

use crate::codec::{decode, from_signed, key, part, series_bytes, series_from, signed};
use crate::error::LedgerError;
use crate::view::{Access, View, Writing};

/// How far a remote-write target was served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// The first minute that is not published, since the epoch; counts of earlier ones go to it.
    pub next_minute: i64,
    /// The last minute that was sent, since the epoch; those between it and `next_minute` were too old.
    pub last_sent_minute: Option<i64>,
    /// Records that came too late for their own minute, since ever.
    pub late_records: u64,
}

impl<A: Access> View<A> {
    /// The first and the last minute that have something to publish.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn pending_minutes(&self, target: &str) -> Result<Option<(Minute, Minute)>, LedgerError> {
        let Some(number) = self.name_number(target)? else {
            return Ok(None);
        };
        self.tables.pending.look(|table| {
            let (first, last) = target_range(number);
            let mut rows = table.range::<&[u8; 21]>(&first..=&last)?;
            let Some(first) = rows.next().transpose()? else {
                return Ok(None);
            };
            let first = minute_of(first.0.value());
            let last = rows.next_back().transpose()?.map_or(first, |row| minute_of(row.0.value()));
            Ok(Some((first, last)))
        })
    }

    /// How far a target was served; `None` before its first minute.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn publication(&self, target: &str) -> Result<Option<Publication>, LedgerError> {
        match self.name_number(target)? {
            Some(number) => self.tables.publications.get(&number.to_be_bytes()),
            None => Ok(None),
        }
    }
}

impl<A: Access> View<A> {
    /// The minutes from `from` (inclusive) to `to` (exclusive) in which something was counted.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn pending_minutes_between(
        &self,
        target: &str,
        from: Minute,
        to: Minute,
    ) -> Result<Vec<Minute>, LedgerError> {
        let mut minutes: Vec<Minute> = Vec::new();
        let Some(number) = self.name_number(target)? else { return Ok(minutes) };
        if from >= to {
            return Ok(minutes);
        }
        let last = pending_key(number, Minute(to.0 - 1), [u8::MAX; 9]);
        self.tables.pending.each(&pending_key(number, from, [0; 9]), &last, |key, _| {
            let minute = minute_of(key);
            if minutes.last() != Some(&minute) {
                minutes.push(minute);
            }
            Ok(true)
        })?;
        Ok(minutes)
    }

    /// What was counted in a minute, by origin and in the order of births.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn pending(
        &self,
        target: &str,
        minute: Minute,
    ) -> Result<Vec<(SeriesId, StoredCounts)>, LedgerError> {
        let mut pending = Vec::new();
        let Some(number) = self.name_number(target)? else { return Ok(pending) };
        let first = pending_key(number, minute, [0; 9]);
        let last = pending_key(number, minute, [u8::MAX; 9]);
        self.tables.pending.each(&first, &last, |key, bytes| {
            pending.push((series_from("pending", part(key, 12))?, decode("pending", bytes)?));
            Ok(true)
        })?;
        Ok(pending)
    }
}

impl Writing<'_> {
    /// Adds what was counted in a minute to what is there.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn add_pending(
        &self,
        target: &str,
        minute: Minute,
        series: SeriesId,
        counts: &StoredCounts,
    ) -> Result<(), LedgerError> {
        let number = self.name_number_or_new(target)?;
        let key = pending_key(number, minute, series_bytes(series));
        match self.tables.pending.get::<StoredCounts>(&key)? {
            Some(mut sum) => {
                sum.merge(counts);
                self.tables.pending.put(&key, &sum)?;
            }
            None => {
                self.tables.pending.put(&key, counts)?;
            }
        }
        Ok(())
    }

    /// Removes and returns what was counted in a minute, by origin and in the order of births.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn take_pending(
        &self,
        target: &str,
        minute: Minute,
    ) -> Result<Vec<(SeriesId, StoredCounts)>, LedgerError> {
        let mut taken = Vec::new();
        let Some(number) = self.name_number(target)? else {
            return Ok(taken);
        };
        let first = pending_key(number, minute, [0; 9]);
        let last = pending_key(number, minute, [u8::MAX; 9]);
        self.tables.pending.take_range((&first, &last), usize::MAX, |key, bytes| {
            taken.push((series_from("pending", part(key, 12))?, decode("pending", bytes)?));
            Ok(())
        })?;
        Ok(taken)
    }

    /// Keeps how far a target was served.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn put_publication(&self, target: &str, publication: &Publication) -> Result<(), LedgerError> {
        let number = self.name_number_or_new(target)?;
        self.tables.publications.put(&number.to_be_bytes(), publication).map(|_| ())
    }
}

fn pending_key(target: u32, minute: Minute, series: [u8; 9]) -> [u8; 21] {
    key(&[&target.to_be_bytes(), &signed(minute.0), &series])
}

fn target_range(target: u32) -> ([u8; 21], [u8; 21]) {
    (pending_key(target, Minute(i64::MIN), [0; 9]), pending_key(target, Minute(i64::MAX), [u8::MAX; 9]))
}

fn minute_of(key: &[u8; 21]) -> Minute {
    Minute(from_signed(part(key, 4)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{committed, counts, in_memory, series};

    #[test]
    fn minutes_add_up_and_are_taken_once() {
        let ledger = in_memory();
        committed(&ledger, |w| {
            for (minute, birth, requests) in [(7, 2, 1), (-1, 1, 1), (7, 1, 2), (7, 2, 3), (9, 1, 1)] {
                w.add_pending("a", Minute(minute), series(birth), &counts(requests))?;
            }
            w.add_pending("b", Minute(8), series(1), &counts(1))?;
            w.put_publication(
                "a",
                &Publication { next_minute: 7, last_sent_minute: Some(6), late_records: 2 },
            )
        });
        ledger
            .read(|r| {
                assert_eq!(r.pending_minutes("a")?, Some((Minute(-1), Minute(9))));
                assert_eq!(r.pending_minutes("b")?, Some((Minute(8), Minute(8))));
                assert_eq!(
                    (r.pending_minutes("c")?, r.publication("c")?, r.publication("b")?),
                    (None, None, None)
                );
                assert_eq!(
                    r.publication("a")?,
                    Some(Publication { next_minute: 7, last_sent_minute: Some(6), late_records: 2 })
                );
                Ok(())
            })
            .unwrap();
        committed(&ledger, |w| {
            assert_eq!(w.take_pending("a", Minute(7))?, [(series(1), counts(2)), (series(2), counts(4))]);
            assert_eq!(w.take_pending("a", Minute(7))?, []);
            assert_eq!(w.take_pending("c", Minute(7))?, []);
            Ok(())
        });
    }
}
